# SPDX-License-Identifier: Apache-2.0
"""What a file keeps: which records are due to go, and their removal in small steps beside writers."""
