# SPDX-License-Identifier: Apache-2.0
"""What a session consists of, besides its lists."""
