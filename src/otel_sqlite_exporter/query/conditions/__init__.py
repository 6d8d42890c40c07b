# SPDX-License-Identifier: Apache-2.0
"""Conditions on the rows of a view: what keywords and filter texts both become, and the SQL of them."""
