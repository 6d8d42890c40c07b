# SPDX-License-Identifier: Apache-2.0
"""The format of a dataset: its tables, its folder, its parts, and the manifests that say which parts are whole."""
