# SPDX-License-Identifier: Apache-2.0
"""The pages of reports: tables, plots, and links to the rows that they are made of."""
