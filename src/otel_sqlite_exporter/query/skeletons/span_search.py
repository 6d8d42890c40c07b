# SPDX-License-Identifier: Apache-2.0
"""Finds spans of a skeleton: by their ids, or by a text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.filter_values import fold_id
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton


def find_span(skeleton: TraceSkeleton, prefix: str, row: int | None = None) -> int:
    """Return the position of the span whose id is `prefix` or begins with it; of several with one id that with the
    `id` `row`, or else the first.

    Raises:
        NotFoundError: There is none, or spans with several ids begin with it.
    """
    wanted, ids = fold_id("span_id", prefix), skeleton.spans["span_id"]
    found = [at for at, span_id in enumerate(ids) if span_id == wanted]
    found = found or [at for at, span_id in enumerate(ids) if wanted and span_id.startswith(wanted)]
    if not found:
        raise NotFoundError(f"there is no span {prefix[:40]!r} in this trace: open one from its waterfall")
    if len({ids[at] for at in found}) > 1:
        raise NotFoundError(f"several spans of this trace begin with {prefix[:40]!r}: give more characters")
    return next((at for at in found if skeleton.spans["id"][at] == row), found[0])


def find_matches(skeleton: TraceSkeleton, text: str) -> list[int]:
    """Return the positions of the spans that have `text` in their name or service, or in a model or tool that they
    recorded, in any case, or whose id begins with it. `trace_model.js` has the same rule."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    spans = skeleton.spans
    names, services = (_find_texts(skeleton.texts[column], wanted) for column in ("name", "service"))
    told: set[int] = set()
    for records, column, texts in (
        (skeleton.llm_interactions, "model", "llm_model"),
        (skeleton.tool_interactions, "tool_name", "tool_name"),
    ):
        found = _find_texts(skeleton.texts[texts], wanted)
        told |= {span for span, value in zip(records["span"], records[column], strict=True) if value in found}
    columns = (spans[name] for name in ("name", "service", "span_id"))
    return [
        at
        for at, (name, service, span_id) in enumerate(zip(*columns, strict=True))
        if name in names or service in services or at in told or span_id.startswith(wanted)
    ]


def _find_texts(texts: Sequence[Any], wanted: str) -> set[int]:
    return {number for number, text in enumerate(texts) if text is not None and wanted in str(text).lower()}
