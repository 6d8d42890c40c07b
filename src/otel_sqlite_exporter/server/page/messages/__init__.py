# SPDX-License-Identifier: Apache-2.0
"""What was said to models, and values of any size, as HTML that shows everything and does nothing."""
