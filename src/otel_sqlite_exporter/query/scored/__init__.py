# SPDX-License-Identifier: Apache-2.0
"""What was said of answers, traces and sessions."""
