# SPDX-License-Identifier: Apache-2.0
"""Routes and answers about metrics."""
