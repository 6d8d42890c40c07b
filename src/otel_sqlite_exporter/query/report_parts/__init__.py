# SPDX-License-Identifier: Apache-2.0
"""What turns the text of a report into a statement."""
