# SPDX-License-Identifier: Apache-2.0
"""The pages of metrics: what there is, and each over time."""
