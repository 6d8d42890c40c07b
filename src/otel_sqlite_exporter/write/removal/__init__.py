# SPDX-License-Identifier: Apache-2.0
"""Removes records from a file. What stays is as if it alone had been imported."""
