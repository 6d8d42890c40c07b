# SPDX-License-Identifier: Apache-2.0
"""Writes data points of metrics."""
