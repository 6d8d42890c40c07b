# SPDX-License-Identifier: Apache-2.0
"""Commands that write, ask and keep datasets."""
