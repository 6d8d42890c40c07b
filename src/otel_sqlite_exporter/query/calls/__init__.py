# SPDX-License-Identifier: Apache-2.0
"""What one model call has to do with others."""
