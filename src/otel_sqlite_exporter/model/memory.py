# SPDX-License-Identifier: Apache-2.0
"""Where a process may run out of memory, orjson (3.13) does not raise MemoryError but ends the process by a null
pointer. So what it would need is asked of Python first, which raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from resource import RLIM_INFINITY, RLIMIT_AS, RLIMIT_DATA, getrlimit
except ImportError:  # Windows
    _KINDS: tuple[int, ...] = ()
else:
    _KINDS = RLIMIT_AS, RLIMIT_DATA

# orjson (3.13) reserves eight bytes for each byte of a text in UTF-8, and doubles its buffer.
_BYTES_A_BYTE = 18
_BYTES_A_CHARACTER = 4
_RESERVE_BYTES = 4 << 20


def is_memory_limited() -> bool:
    """Return whether the system may refuse memory to this process: a microsecond. (The limit of a container is none of
    these: its processes are killed.)"""
    return any(getrlimit(kind)[0] != RLIM_INFINITY for kind in _KINDS)


def check_memory(*values: Any) -> None:
    """Raise MemoryError where there is not enough to encode `values`."""
    bytes(_RESERVE_BYTES + _BYTES_A_BYTE * sum(map(_measure, values)))


def _measure(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value) if isinstance(value, str) and value.isascii() else _BYTES_A_CHARACTER * len(value)
    if isinstance(value, Mapping):
        return sum(map(_measure, value.keys())) + sum(map(_measure, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_measure, value))
    return 8
