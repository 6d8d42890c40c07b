# SPDX-License-Identifier: Apache-2.0
"""Puts the parts of several sources together: takes in again what only all of them decide, and makes few parts of
many."""
