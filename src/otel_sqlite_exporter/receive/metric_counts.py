# SPDX-License-Identifier: Apache-2.0
"""Counts the data points of a message of metrics, which are not stored yet. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "exponential_histogram", "summary")


def count_points(groups: Iterable[Any]) -> Counter[str]:
    """Return the number of data points by the name of their service, which is empty where it is not given. `groups` are
    the `resourceMetrics` of a message. A metric without data points counts as one."""
    points: Counter[str] = Counter()
    for group in groups:
        if number := _count_group(group):
            points[_find_service_name(group)] += number
    return points


def _count_group(group: Any) -> int:
    metrics = _list_items(_list_items([group], "scopeMetrics", "scope_metrics"), "metrics")
    points = 0
    for metric in metrics:
        data = [metric[kind] for kind in _KINDS if isinstance(metric, dict) and isinstance(metric.get(kind), dict)]
        points += len(_list_items(data, "dataPoints", "data_points")) or 1
    return points


def _find_service_name(group: Any) -> str:
    resource = group.get("resource")
    for attribute in _list_items([resource], "attributes"):
        if isinstance(attribute, dict) and attribute.get("key") == "service.name":
            value = attribute.get("value")
            name = value.get("stringValue", value.get("string_value")) if isinstance(value, dict) else None
            return name if isinstance(name, str) else ""
    return ""


def _list_items(holders: Iterable[Any], *fields: str) -> list[Any]:
    """Return the items of the lists that stand in `fields` of `holders`."""
    values = [holder.get(field) for holder in holders if isinstance(holder, dict) for field in fields]
    return [item for value in values if isinstance(value, list) for item in value]
