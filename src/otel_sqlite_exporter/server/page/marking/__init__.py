# SPDX-License-Identifier: Apache-2.0
"""What people say of sessions and traces on the page: pins and notes; and scores."""
