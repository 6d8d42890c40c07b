# SPDX-License-Identifier: Apache-2.0
"""The page that compares two runs: the verdict, the sums, where they part, their steps, and what there is to choose."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_answers import ToolText, answer
from otel_sqlite_exporter.query.comparisons.compared_runs import find_run, read_run
from otel_sqlite_exporter.query.comparisons.first_divergence import compare_runs
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.server.page.compare import compare_pages
from tests.agent_files import RESOURCE, START_NS
from tests.conftest import exporting
from tests.html_reader import HtmlReader
from tests.page_server import PageClient, browsing

ATTACK = "<img src=x onerror=alert(1)>\u202e'\""
Step = tuple[str, str, str]
SAME: tuple[Step, ...] = (("chat m", "hi", "look"), ("read_file", '{"path": "a"}', "text"), ("chat m", "text", "done"))
RUNS: Mapping[str, Sequence[Step]] = {
    "one": SAME,
    "same": SAME,
    "longer": (*SAME, ("chat m", "more", "and more")),
    "model": (*SAME[:2], ("chat other", "text", "done")),
    "failing": (SAME[0], ("search", "{}", "failed"), ("chat m", "text", "sorry")),
    "words": (SAME[0], ("read_file", '{"path": "another place"}', "text"), SAME[2]),
    f"evil{ATTACK}": ((f"chat {ATTACK}", ATTACK, ATTACK), (ATTACK, ATTACK, "failed")),
    "evil-2": ((f"chat {ATTACK}", ATTACK, f"{ATTACK}2"), (f"{ATTACK}2", ATTACK, "x")),
    "warm": (("chat m@0.2 read", "hi", "look"), SAME[1], ("chat m@0.2", "text", "done")),
    "hot": (("chat m@0.9 read", "hi", "look"), SAME[1], ("chat m@0.2", "text", "done")),
    "armed": (("chat m@0.2 read search", "hi", "look"), SAME[1], ("chat m@0.2", "text", "done")),
    "long-1": [("chat m", str(number), "x") for number in range(450)],
    "long-2": [("chat m", str(number), "y" if number == 300 else "x") for number in range(450)],
}
"""By session, its steps: what it does, what is said, and what comes out."""


def _say(role: str, text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{escaped}"}}]}}]'


def _make_request(text: str) -> dict[str, Any]:
    """The attributes of `MODEL@TEMPERATURE TOOL...`."""
    model, has_more, rest = text.partition("@")
    if not has_more:
        return {"gen_ai.request.model": model}
    temperature, *tools = rest.split()
    definitions = orjson.dumps([{"type": "function", "name": tool} for tool in tools]).decode()
    offered = {"gen_ai.tool.definitions": definitions} if tools else {}
    return {"gen_ai.request.model": model, "gen_ai.request.temperature": float(temperature), **offered}


def _make_step(session: str, run: int, place: int, step: Step) -> ReadableSpan:
    what, said, outcome = step
    attributes: dict[str, Any] = {"session.id": session, "user.id": "ada" if run % 2 else "bob"}
    if what.startswith("chat "):
        attributes |= {"gen_ai.operation.name": "chat", **_make_request(what.removeprefix("chat "))}
        attributes |= {
            "gen_ai.input.messages": _say("user", said),
            "gen_ai.output.messages": _say("assistant", outcome),
        }
        attributes |= {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}
    else:
        attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": what}
        attributes |= {"gen_ai.tool.call.arguments": said, "gen_ai.tool.call.result": outcome}
    return ReadableSpan(
        name=what,
        context=SpanContext(run, place, False, TraceFlags(1)),
        attributes=attributes,
        resource=RESOURCE,
        start_time=START_NS + place * 1_000_000,
        end_time=START_NS + place * 1_000_000 + 500_000,
        status=Status(StatusCode.ERROR, "failed") if outcome == "failed" else Status(),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("compare") / "otel.db"
    with exporting(path, cost="off") as exporter:
        for run, (session, steps) in enumerate(RUNS.items(), 1):
            exporter.export([_make_step(session, run, place, step) for place, step in enumerate(steps, 1)])
    return path


@pytest.fixture(scope="module")
def page(path: Path) -> Iterator[PageClient]:
    with browsing(path) as client:
        yield client


def compare(page: PageClient, a: str, b: str, **arguments: Any) -> str:
    """The page of two sessions."""
    html = page.open("/compare", a=f"session:{a}", b=f"session:{b}", **arguments)
    assert ATTACK not in html
    assert "<img" not in html
    return html


def read(html: str, label: str) -> str:
    """The text of a labelled section."""
    part = re.search(rf'aria-label="{label}">(.*?)</section>', html, re.DOTALL)
    assert part is not None
    return " ".join(HtmlReader(part[1]).text.split())


def list_changes(html: str) -> list[str]:
    return re.findall(r'<tr class="row-(\w+)"', html)


@pytest.mark.parametrize(
    ("b", "verdict", "changes"),
    [
        ("same", "Both runs did and said the same.", ["same"] * 3),
        ("longer", "b made 1 more model call and took 1 ms longer (+40%).", ["same"] * 3 + ["added"]),
        ("longer", "They part at step 4: a had ended, and b went on with a model call chat.", ["same"] * 3 + ["added"]),
        ("model", "Both runs did the same, but the model differs at step 3.", ["same", "same", "differs"]),
        ("failing", "b did the tool search instead of the tool read_file. It failed.", ["same", "replaced", "differs"]),
        ("failing", "had 1 failure instead of 0", ["same", "replaced", "differs"]),
        ("words", "Both runs did the same, but the arguments differ at step 2.", ["same", "differs", "same"]),
    ],
)
def test_the_verdict_and_the_rows_say_what_differs(page: PageClient, b: str, verdict: str, changes: list[str]) -> None:
    html = compare(page, "one", b)
    assert verdict in read(html, "Verdict")
    assert list_changes(html) == changes
    backwards = {"added": "removed", "removed": "added"}
    assert list_changes(compare(page, b, "one")) == [backwards.get(change, change) for change in changes]


def test_words_that_differ_are_marked_on_both_sides(page: PageClient) -> None:
    html = compare(page, "one", "words")
    assert "<del>a</del>" in html
    assert "<ins>another place</ins>" in html


@pytest.mark.parametrize("kind", ["session", "trace"])
def test_the_measures_are_those_of_the_same_comparison_elsewhere(page: PageClient, path: Path, kind: str) -> None:
    file = TelemetryFile(str(path), 1_000)
    ids = ["session:one", "session:failing"]
    if kind == "trace":
        ids = [f"trace:{run:032x}" for run in (1, 5)]
    runs = [file.read(read_run, file.read(find_run, id)) for id in ids]
    compared = compare_runs(runs[0], runs[1])
    html = page.open("/compare", a=ids[0], b=ids[1])
    for label, name in (
        ("failed tools", "failed_tools"),
        ("model calls", "llm_calls"),
        ("input tokens", "input_tokens"),
    ):
        cells = re.search(
            rf'<th scope="row">{label}</th><td class="number">(.*?)</td><td class="number">(.*?)</td>', html
        )
        assert cells is not None
        assert cells.groups() == tuple(str(value) for value in compared.measures[name])
    for tool, (one, other) in compared.tools.items():
        assert f'<th scope="row">{tool}</th><td class="number">{one}</td><td class="number">{other}</td>' in html
    assert 'class="better">a</b>' in html  # it failed less


def test_every_step_leads_to_itself(page: PageClient) -> None:
    html = compare(page, "one", "failing")
    links = re.findall(r'href="(/(?:calls|tools)/\d+)"', html)
    assert len({*links}) == 6
    assert all(page.http.get(link).status_code in (200, 404) for link in links)


def test_hostile_runs_are_text(page: PageClient) -> None:
    html = compare(page, f"evil{ATTACK}", "evil-2")
    assert "onerror" in HtmlReader(html[html.index("<main") : html.index("</main>")]).text
    swap = re.search(r'href="([^"]+)">Swap', html)
    assert swap is not None
    swapped = page.http.get(unescape(swap[1]))
    assert swapped.status_code == 200
    assert swapped.text.index("evil-2</a>") < swapped.text.index("evil&lt;img")


def test_long_runs_are_shown_in_parts_or_only_what_differs(page: PageClient) -> None:
    html = compare(page, "long-1", "long-2")
    assert "1 to 200 of 450 rows, 1 differ" in " ".join(html.split())
    assert len(list_changes(html)) == 200
    assert list_changes(compare(page, "long-1", "long-2", first=400)) == ["same"] * 50
    assert list_changes(compare(page, "long-1", "long-2", only="different")) == ["differs"]
    answer = page.http.get("/compare", params={"a": "session:long-1", "b": "session:long-2", "format": "csv"})
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert [row["a_number"] for row in rows if row["differs"] == "completion"] == ["301"]
    assert len(rows) == 450


def test_the_end_of_what_is_compared_is_said(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sqlite_exporter.query.comparisons.first_divergence.MOST_ALIGNED", 100)
    assert "the first 5,000 steps are compared" in compare(page, "long-1", "long-2")


def test_what_is_missing_can_be_chosen(page: PageClient) -> None:
    html = page.open("/compare")
    assert html.count("<tr data-row") == len(RUNS)
    assert 'href="/compare?a=session%3Aone"' in html
    html = page.open("/compare", a="one", b="")
    links = re.findall(r'<th scope="row"><a class="mono" href="([^"]+)"', html)
    assert len(links) == len(RUNS) - 1
    assert all(link.startswith("/compare?a=session%3Aone&amp;b=session%3A") for link in links)
    users = re.findall(r'data-label="of">(\w+)', html)
    assert users == sorted(users)  # those of the same user first
    html = page.open("/compare", b=f"trace:{1:032x}")
    assert f"/compare?a=trace%3A{2:032x}&amp;b=trace%3A{1:032x}" in html
    assert all(page.http.get(unescape(link)).status_code == 200 for link in links)


@pytest.mark.parametrize(
    ("a", "b"),
    [("nothing", "one"), ("long", "one"), ("session:one", f"trace:{1:032x}"), ("one", "llm:1"), ("\0", "one")],
)
def test_what_cannot_be_compared_is_said_with_a_choice(page: PageClient, a: str, b: str) -> None:
    answer = page.ask("/compare", a=a, b=b)
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text
    assert "<tr data-row" in answer.text


def test_the_same_run_twice_is_said(page: PageClient) -> None:
    assert "Both are the same session" in compare(page, "one", "one")
    assert compare_pages.PAGES[0].path == "/compare"


@pytest.mark.parametrize(
    ("a", "b", "field", "change"),
    [
        ("warm", "hot", "the request parameters differ", "temperature 0.2 → 0.9"),
        ("warm", "armed", "the tools offered differ", "tools offered: +search"),
        ("armed", "warm", "the tools offered differ", "tools offered: −search"),
        ("hot", "armed", "the request parameters differ", "temperature 0.9 → 0.2, tools offered: +search"),
        ("warm", "same", "the request parameters differ", "temperature 0.2 → none, tools offered: −read"),
    ],
)
def test_what_else_a_call_was_sent_is_compared(
    page: PageClient, path: Path, a: str, b: str, field: str, change: str
) -> None:
    html = compare(page, a, b)
    assert f"Both runs did the same, but {field} at step 1: {change}." in read(html, "Verdict")
    assert all(html.count(one) >= 3 for one in change.split(", "))  # the verdict, the first difference, the row
    told = answer(AskedFile.open(path), "compare", {"a": a, "b": b})
    assert isinstance(told, ToolText)
    assert json.loads(told.text)["first_difference"]["request_changes"] == change.split(", ")
