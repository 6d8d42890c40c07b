# SPDX-License-Identifier: Apache-2.0
"""The commands about metrics: what they are, and how they go over time."""
