# SPDX-License-Identifier: Apache-2.0
"""Removes records from datasets, and proves that a text is gone."""
