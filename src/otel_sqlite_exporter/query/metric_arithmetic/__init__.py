# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of metrics: steps of time, exact sums, buckets and quantiles. Pure."""
