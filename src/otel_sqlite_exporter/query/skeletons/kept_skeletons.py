# SPDX-License-Identifier: Apache-2.0
"""The skeletons that were read last. A page of a large trace asks for the same one several times: for its first rows,
for all rows, and for each span that is looked at."""

from __future__ import annotations

import threading

from otel_sqlite_exporter.query.changes.file_state import FileState
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton, read_skeleton

_MOST_KEPT = 2
_MOST_SPANS = 100_000
"""A trace with more spans is not kept."""


class KeptSkeletons:
    """Reads skeletons of one file, for any number of threads, and keeps a few for as long as the file does not change.
    Those of running spans are not kept, as their times change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, TraceSkeleton]] = {}

    def read(self, file: TelemetryFile, state: FileState, prefix: str) -> TraceSkeleton:
        """Return the skeleton of the trace whose id begins with `prefix`.

        Raises:
            NotFoundError: There is no such trace, or the prefix is not unique.
        """
        now = state.read()  # before the skeleton: what is written meanwhile makes it look older than it is
        with self._lock:
            found = self._kept.get(prefix)
        if found is not None and found[0] == now:
            return found[1]
        skeleton = file.read(read_skeleton, prefix)
        if not skeleton.trace.running and len(skeleton) <= _MOST_SPANS:
            with self._lock:
                self._kept.pop(prefix, None)
                self._kept[prefix] = now, skeleton
                while len(self._kept) > _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
        return skeleton
