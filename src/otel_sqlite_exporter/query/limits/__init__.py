# SPDX-License-Identifier: Apache-2.0
"""Limits that a session or a report must keep, for example in CI."""
