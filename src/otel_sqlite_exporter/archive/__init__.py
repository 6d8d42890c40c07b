# SPDX-License-Identifier: Apache-2.0
"""Datasets of Parquet: writes closed days of a file as parts, puts parts of several files together, asks them, and
takes records out of them again."""
