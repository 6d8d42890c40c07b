# SPDX-License-Identifier: Apache-2.0
"""Data points of metrics: as they are read, and as rows."""
