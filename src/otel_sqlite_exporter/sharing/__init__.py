# SPDX-License-Identifier: Apache-2.0
"""Hands on one session or trace: masked first, then written in one of several formats."""
