# SPDX-License-Identifier: Apache-2.0
"""Reads the rows of a day from a file, and writes them as parts of a dataset."""
