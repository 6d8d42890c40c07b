# SPDX-License-Identifier: Apache-2.0
"""The page that compares two sessions or two traces."""
