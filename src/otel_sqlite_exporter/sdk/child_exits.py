# SPDX-License-Identifier: Apache-2.0
"""Child processes that end without Python's exit functions."""

from __future__ import annotations

import sys
import weakref

from opentelemetry.sdk.trace import SpanProcessor


def flush_at_exit_of_child(processor: SpanProcessor) -> None:
    """Let `processor` be flushed when this process ends, if it is a child of multiprocessing or a worker of Celery's
    prefork pool. These end by os._exit, which skips atexit. They call other functions first."""
    reference = weakref.ref(processor)
    module = sys.modules.get("multiprocessing.util")
    if module is not None:
        module.Finalize(None, _flush, args=(reference,), exitpriority=0)
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(
            lambda **_: _flush(reference), weak=False, dispatch_uid=f"{__name__}:{id(processor)}"
        )


def _flush(reference: weakref.ref[SpanProcessor]) -> None:
    processor = reference()
    if processor is not None:
        processor.force_flush()
