# SPDX-License-Identifier: Apache-2.0
"""Answers that do something with one session."""
