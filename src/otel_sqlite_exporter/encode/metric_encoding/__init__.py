# SPDX-License-Identifier: Apache-2.0
"""Encodes data points of metrics as rows."""
