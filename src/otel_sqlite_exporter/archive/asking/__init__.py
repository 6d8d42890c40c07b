# SPDX-License-Identifier: Apache-2.0
"""Asks a dataset with DuckDB in this process: its views, its summaries, and on which days a session or a trace is."""
