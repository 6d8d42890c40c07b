# SPDX-License-Identifier: Apache-2.0
"""What has changed in a file since."""
