# SPDX-License-Identifier: Apache-2.0
"""How many files this process may open: each connection is one."""

from __future__ import annotations

import contextlib

_ENOUGH = 4_096


def allow_open_files() -> None:
    """Let this process open enough files, as far as the system lets it: macOS allows 256 unless a program asks. Does
    nothing where there is no such limit, as on Windows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
