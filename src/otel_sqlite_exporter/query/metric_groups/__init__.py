# SPDX-License-Identifier: Apache-2.0
"""From the points of series to what each step has of a group of them."""
