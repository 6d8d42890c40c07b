# SPDX-License-Identifier: Apache-2.0
"""The commands that make datasets of Parquet, and that work on them."""
