# SPDX-License-Identifier: Apache-2.0
"""What a trace or a session is at a glance, and how two of them differ."""
