# SPDX-License-Identifier: Apache-2.0
"""Delivers what the SDK exports: with the exporter's own metrics, and without instrumentation of its own work."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.sdk.own_metrics import ExporterMetrics, are_metrics_enabled
from otel_sqlite_exporter.settings import Settings


def make_delivery(settings: Settings, signal: str) -> Delivery:
    """Return the delivery of an exporter; `signal` is `traces`, `logs` or `metrics`."""
    measured: dict[str, Any] = {"measure": ExporterMetrics(signal).measure} if are_metrics_enabled() else {}
    return Delivery(settings, signal, **measured, run_suppressed=_run_suppressed)


def _run_suppressed(work: Callable[[], None]) -> None:
    """Do `work` in a context of its own, so that no exception of a signal handler leaves the application's context
    suppressed."""
    copy_context().run(_suppress, work)


def _suppress(work: Callable[[], None]) -> None:
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        work()
    finally:
        detach(token)
