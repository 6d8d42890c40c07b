# SPDX-License-Identifier: Apache-2.0
"""A trace as columns, for a waterfall."""
