# SPDX-License-Identifier: Apache-2.0
"""A shared session as one HTML page that loads nothing and runs nothing."""
