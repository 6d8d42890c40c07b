# SPDX-License-Identifier: Apache-2.0
"""The rows of the closed days of a file, as the parts of a dataset hold them."""
