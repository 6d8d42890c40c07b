# SPDX-License-Identifier: Apache-2.0
"""Makes one data point a series and hour of those that are older than `metrics_raw_days`."""
