# SPDX-License-Identifier: Apache-2.0
"""What writing a span costs, beside other ways to do it. Run with `python -m benchmarks`; see docs/benchmarks.md."""
