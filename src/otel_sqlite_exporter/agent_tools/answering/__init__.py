# SPDX-License-Identifier: Apache-2.0
"""What each tool answers. Nothing here knows the protocol."""
