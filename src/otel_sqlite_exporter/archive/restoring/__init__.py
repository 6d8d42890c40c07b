# SPDX-License-Identifier: Apache-2.0
"""Takes records out of a dataset again: as SQLite files that `merge` puts together, or as one file that has all."""
