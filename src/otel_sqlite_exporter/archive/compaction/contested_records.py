# SPDX-License-Identifier: Apache-2.0
"""Finds what is contested: records of several manifests whose rows only all of them together decide.

The writer derives rows of one trace from all its records. These of its relations reach other traces:

* Rows of one response are one call (`find_call_twins.sql`, `call_matches.py`). Found by the response id and the time:
  `tied_responses.sql`.
* So are rows of several reporters of a service, where one of them did not know the context of the application. Found by
  service, time and usage: `tied_reporters.sql`.
* An agent repeats the usage of calls of its session that ran inside its time and add up to it
  (`find_repeating_agents.sql`). Found by session and time: `tied_agents.sql`.
* A start and a finish of one stem pair in their session (`temporal_links.py`), also those of a call or an execution.
  Found by session, stem and window: `tied_pairs.sql`.
* Executions, requests and results in prompts are of one tool call (`tool_groups.py`, `tool_traces.py`). Found by the
  call id or what was asked for, session and time: `tied_tools.sql`.
* A request of log records without a trace fails if its last call does, and reaches to the next prompt of the session
  (`failed_requests`). Found by session: `tied_requests.sql`.
* Equal log records without a trace are taken once (`imports.merging`). Found by time and content: `tied_logs.sql`.

Failures, scores, asking spans and prompts that a row takes from another trace follow from these. Sessions, users,
roots, pairs inside a span or a trace, log records of spans, nested calls, conversations and the names of agents depend
on one trace alone. So they are contested where several manifests hold records of that trace: `shared_traces.sql`.

Each query ties units (see `part_relations`) that may decide each other, rather too often than too seldom. Contested is
what several manifests tie together, unless all of these were put together before, and then all that is tied to it,
until nothing more is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest

_TIES = ("tied_responses", "tied_reporters", "tied_agents", "tied_tools", "tied_logs")
_TABLES = ("trace_sessions", "llm_interactions", "tool_interactions", "events", "logs")
_SLACK_NS = 3 * 3600 * 10**9
"""Longer than any of these relations reaches in time: two steps of 73 minutes."""


def find_contested(
    relations: PartRelations, manifests: Sequence[Manifest], settled: Collection[str], window_ns: int
) -> dict[int, list[str]]:
    """Return the units that are contested, by the number of each manifest that holds some of them. `settled` are names
    of manifests that were put together before, all with each other. The table `contested` holds the units from now on.

    Args:
        window_ns: How old a start may be that pairs with a finish by time, in nanoseconds.

    Raises:
        DamagedFileError: A part cannot be read.
    """
    new = {number for number, one in enumerate(manifests) if one.name not in settled}
    _prepare(relations, manifests, new)
    times = relations.find_times()
    scope = _add_near(new, times, [times[number] for number in new if number in times])
    return _find_homes(relations, scope, times, window_ns, "contested_first")


def find_tied(
    relations: PartRelations, manifests: Sequence[Manifest], seeds: Collection[str], window_ns: int
) -> dict[int, list[str]]:
    """Return the units that `seeds` and what is tied to them are, also inside one manifest, as `find_contested` does.

    Raises:
        DamagedFileError: A part cannot be read.
    """
    _prepare(relations, manifests, range(len(manifests)))
    relations.note_seeds(seeds)
    times = relations.find_times()
    scope = {number for (number,) in relations.run("seed_homes")}
    return _find_homes(relations, scope, times, window_ns, "tied_first")


def _prepare(relations: PartRelations, manifests: Sequence[Manifest], new: Collection[int]) -> None:
    relations.note_settled((number, number not in new) for number in range(len(manifests)))
    relations.show(["traces", "trace_sessions"], range(len(manifests)))
    relations.run("shared_traces")
    relations.run("shown_sessions")
    relations.run("tied_requests")


def _find_homes(
    relations: PartRelations, scope: set[int], times: Mapping[int, tuple[int, int]], window_ns: int, first: str
) -> dict[int, list[str]]:
    """Fill the table `contested`, beginning with the query `first`, from the manifests in `scope` and those that have
    records near what is found."""
    scope = scope | {number for (number,) in relations.run("shared_homes")}
    while True:
        relations.show(_TABLES, scope)
        relations.run("first_ties")
        for name in _TIES:
            relations.run(name)
        relations.run("tied_pairs", window_ns=window_ns)
        relations.run(first)
        while relations.run("contested_more") != [(0,)]:
            pass
        wider = _add_near(scope, times, [(since, until) for since, until in relations.run("contested_times")])
        if wider == scope:
            break
        scope = wider
    homes: dict[int, list[str]] = {}
    for number, unit in relations.run("contested_homes"):
        homes.setdefault(number, []).append(unit)
    return homes


def _add_near(
    scope: Collection[int], times: Mapping[int, tuple[int, int]], spans: Collection[tuple[int, int]]
) -> set[int]:
    """Return `scope`, and all manifests with records near one of these spans of time."""
    joined: list[list[int]] = []
    for since, until in sorted((since - _SLACK_NS, until + _SLACK_NS) for since, until in spans):
        if joined and since <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], until)
        else:
            joined.append([since, until])
    near = {
        number
        for number, (since, until) in times.items()
        if any(first <= until and since <= last for first, last in joined)
    }
    return near | {*scope}
