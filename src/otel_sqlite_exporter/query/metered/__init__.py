# SPDX-License-Identifier: Apache-2.0
"""What metrics say of the use of models, and how that compares with the calls of traces and log records."""
