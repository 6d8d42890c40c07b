# SPDX-License-Identifier: Apache-2.0
"""The cost of writing a span, compared with other ways to write it. Run `python -m benchmarks`: see
docs/benchmarks.md."""
