# SPDX-License-Identifier: Apache-2.0
"""What filters ask the indexes of a file."""
