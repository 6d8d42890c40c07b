# SPDX-License-Identifier: Apache-2.0
"""Child processes that end without Python's exit functions: those of multiprocessing, and the workers of Celery's
prefork pool. They end by os._exit, which skips atexit, and call other functions first."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter_provider
from opentelemetry.sdk.trace import SpanProcessor

from otel_sqlite_exporter.sdk.timed_flushes import flush_provider, run_within

if TYPE_CHECKING:  # programs without metrics do without the metrics of the SDK
    from opentelemetry.sdk.metrics.export import MetricExporter

_TIMEOUT_MS = 10_000
_exporters: weakref.WeakSet[MetricExporter] = weakref.WeakSet()
_watched: weakref.WeakSet[MetricExporter] = weakref.WeakSet()
_flushed_pid: int | None = None


def flush_at_exit_of_child(processor: SpanProcessor) -> None:
    """Let `processor` be flushed when this process ends, if it is such a child."""
    reference = weakref.ref(processor)

    def flush() -> None:
        living = reference()
        if living is not None:
            living.force_flush()

    _call_at_exit_of_child(flush)
    _call_at_exit_of_worker(flush, f"{__name__}:{id(processor)}")


def flush_meters_at_exit_of_children(exporter: MetricExporter) -> None:
    """Let the global MeterProvider be flushed when this process ends, or one that is forked from it, if it is such a
    child and `exporter` lives. A reader exports once a minute: a shorter child would write nothing."""
    _exporters.add(exporter)
    _watch(exporter)
    module = sys.modules.get("multiprocessing.process")
    if module is not None and module.parent_process() is not None:
        _call_at_exit_of_child(_flush_meters)


def forget_meters(exporter: MetricExporter) -> None:
    """Flush nothing for an exporter that is shut down."""
    _exporters.discard(exporter)


def _watch(exporter: MetricExporter) -> None:
    # A child of multiprocessing first forgets what its parent calls at the end, and then calls these functions.
    module = sys.modules.get("multiprocessing.util")
    if module is not None and exporter not in _watched:
        _watched.add(exporter)
        module.register_after_fork(exporter, lambda _: _call_at_exit_of_child(_flush_meters))
    _call_at_exit_of_worker(_flush_meters, f"{__name__}:meters")


def _call_at_exit_of_child(function: Callable[[], None]) -> None:
    module = sys.modules.get("multiprocessing.util")
    if module is not None:
        module.Finalize(None, function, exitpriority=0)


def _call_at_exit_of_worker(function: Callable[[], None], name: str) -> None:
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(lambda **_: function(), weak=False, dispatch_uid=name)


def _flush_meters() -> None:
    global _flushed_pid
    if _exporters and _flushed_pid != os.getpid():  # once, however many exporters there are
        _flushed_pid = os.getpid()
        run_within([lambda: flush_provider(get_meter_provider(), _TIMEOUT_MS)], _TIMEOUT_MS / 1000)


def _after_fork_in_child() -> None:
    for exporter in list(_exporters):
        _watch(exporter)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
