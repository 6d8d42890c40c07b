# SPDX-License-Identifier: Apache-2.0
"""The compiled core: an encoder of spans that gives what `encode.spans` gives, and readers of OTLP that give what those
of `otlp` give. What they do not know they hand over.

Optional: its modules are built where a compiler is. Only `core_state.load_compiled` imports them.
"""
