# SPDX-License-Identifier: Apache-2.0
"""Counts for the lists: values of a column, services, agents."""
