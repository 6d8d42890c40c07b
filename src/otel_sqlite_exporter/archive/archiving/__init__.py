# SPDX-License-Identifier: Apache-2.0
"""Writes the closed days of a file to a dataset, and again where records came late; then the file may lose them."""
