# SPDX-License-Identifier: Apache-2.0
"""`delete`: which records go, how they go with all that hangs on them, and the proof that nothing of them is left."""
