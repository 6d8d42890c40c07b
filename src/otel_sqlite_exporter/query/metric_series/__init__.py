# SPDX-License-Identifier: Apache-2.0
"""What is asked of metrics: lists of them, their series over time, quantiles, exemplars."""
