# SPDX-License-Identifier: Apache-2.0
"""The compiled core: an encoder of spans that gives what `encode.spans` gives, and hands over what it does not know.

Optional: its modules are built where a compiler is. Only `encode/span_encoders.py` imports them, if `core_state` says
that they are in use.
"""
