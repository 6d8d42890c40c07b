# SPDX-License-Identifier: Apache-2.0
"""A file of each schema version that was released, and what its views showed.

A released file never changes. `python -m tests.frozen_files` writes that of the present version, before it is
released."""
