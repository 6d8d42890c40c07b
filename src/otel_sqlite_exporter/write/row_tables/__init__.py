# SPDX-License-Identifier: Apache-2.0
"""Tables that are written, each by one statement."""
