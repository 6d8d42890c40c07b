# SPDX-License-Identifier: Apache-2.0
"""Executions of tools: what tells of one, and which tellings are of one. Pure."""
