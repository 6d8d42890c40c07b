# SPDX-License-Identifier: Apache-2.0
"""What reports there are, and the questions that people ask first."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.query.reports import REPORTS, describe_report
from otel_sqlite_exporter.server.page.page_links import link_page

TITLES = {
    "sessions": "Sessions in sums",
    "durations": "Durations",
    "histogram": "Distribution of durations",
    "tokens": "Tokens",
    "cost": "Cost",
    "errors": "Errors by cause",
    "tools": "Tools",
    "agents-usage": "What agents used, by their metrics",
    "genai-metrics": "Tokens and times of models, by metrics",
    "scores": "Scores",
    "slowest": "Slowest",
    "links": "Starts and finishes",
    "attributes": "Attribute keys",
    "growth": "Growth of the file",
    "queries": "Times of queries",
    "unrecognised": "Not recognised",
}


class Question(NamedTuple):
    """What someone may look for, and the page that answers it."""

    label: str
    link: str
    about: str


def _ask(label: str, name: str, about: str, *groups: str) -> Question:
    return Question(label, link_page(f"/reports/{name}", group_by=[*groups]), about)


QUESTIONS: tuple[Question, ...] = (
    _ask("Cost by user", "cost", "What each user cost, the most expensive first.", "user"),
    _ask("Cost by day and model", "cost", "What each model cost on each day.", "day", "model"),
    _ask("Tokens by day and model", "tokens", "How many tokens each model took on each day.", "day", "model"),
    _ask("Cost by session", "cost", "The sessions that cost the most.", "session"),
    _ask("Slowest calls", "slowest", "The model calls that took the longest.", "call"),
    _ask("Slowest tools", "slowest", "The tool executions that took the longest.", "tool"),
    Question(
        "Failed tools", link_page("/tools", status="error"), "Every tool execution that failed, the newest first."
    ),
    _ask("Which tool fails most", "tools", "Executions, failures and their share for each tool.", "tool"),
    _ask("Coding agents by day", "agents-usage", "Tokens, cost, lines and commits, by their metrics.", "agent", "day"),
    _ask("Scores by day", "scores", "Whether answers become better: the mean of each score.", "day", "name"),
    _ask("What fails", "errors", "Failures by the type of their cause, the most frequent first.", "type"),
    _ask("Latency of each model", "durations", "p50, p90 and p99 of calls, and how they are spread.", "model"),
    _ask("Latency by day", "durations", "Whether calls become slower.", "day"),
    _ask("Growth of the file", "growth", "What each day added.", "day"),
)


def list_reports() -> list[Question]:
    """Return every report with a sentence on what it shows."""
    return [Question(TITLES[name], f"/reports/{name}", first_sentence(name)) for name in REPORTS]


def first_sentence(name: str) -> str:
    """Return the first sentence of what a report says of itself."""
    about = describe_report(name)
    return f"{about.partition('. ')[0].partition(' Plan:')[0].rstrip('.')}."


def describe_rest(name: str) -> str:
    """Return what a report says of itself but for its first sentence and its plan."""
    about = describe_report(name).partition(" Plan:")[0]
    return about.partition(". ")[2]
