# SPDX-License-Identifier: Apache-2.0
"""Commands that keep, delete and hand on what a file holds."""
