# SPDX-License-Identifier: Apache-2.0
"""The examples, run as their readers run them, leave a file that holds what the server has served."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
OPERATIONS = {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}
SDK_WARNING = "OTEL_CONFIG_FILE is set; ignoring configurator kwargs"


def needs(*distributions: str) -> pytest.MarkDecorator:
    """Skips where a distribution is absent. One that is there but cannot be imported is a failure."""
    missing = [name for name in distributions if not any(metadata.distributions(name=name))]
    return pytest.mark.skipif(bool(missing), reason=f"examples/requirements.txt names {', '.join(missing)}")


pytestmark = [needs("openai", "opentelemetry-instrumentation-genai-openai"), pytest.mark.slow]


class Quickstart(NamedTuple):
    """One run of quickstart.py, and the server it talked to."""

    path: Path
    printed: str
    server: Any


@contextmanager
def loopback_server() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        with import_module("loopback_server").LoopbackServer() as server:
            yield server


@pytest.fixture
def server() -> Iterator[Any]:
    with loopback_server() as server:
        yield server


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quickstart]:
    path = tmp_path_factory.mktemp("quickstart") / "agent.db"
    with loopback_server() as server:
        printed = run_quickstart(path, OPENAI_BASE_URL=server.base_url)
        yield Quickstart(path, printed, server)


def run(cwd: Path, *command: str | Path, **environment: str) -> str:
    """What a command printed; it must succeed, warn of nothing, and sees no setting of the test run."""
    foreign = re.compile("OTEL_|OPENAI_|.*_proxy$", re.IGNORECASE)
    clean = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=clean | {"PATH": path, "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    warnings = [line for line in done.stderr.splitlines() if SDK_WARNING not in line]
    assert (done.returncode, warnings) == (0, []), done.stderr
    return done.stdout


def run_quickstart(path: Path, **environment: str) -> str:
    return run(path.parent, sys.executable, EXAMPLES / "quickstart.py", path, **environment)


def read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def calls_served(server: Any) -> Counter[tuple[Any, ...]]:
    return Counter(
        (OPERATIONS[call.path], call.model, call.input_tokens, call.output_tokens, call.status >= 400)
        for call in server.served
    )


def calls_stored(path: Path) -> Counter[tuple[Any, ...]]:
    return Counter(
        read(
            path,
            """
            SELECT operation, model, coalesce(input_tokens, 0), coalesce(output_tokens, 0), status = 'error'
            FROM complete_llm_interactions""",
        )
    )


def test_quickstart_stores_every_call_that_was_served(quickstart: Quickstart) -> None:
    assert calls_stored(quickstart.path) == calls_served(quickstart.server)
    assert len(quickstart.server.served) == 8


def test_quickstart_tokens_add_up_to_what_was_served(quickstart: Quickstart) -> None:
    served = quickstart.server.served
    total = sum(call.input_tokens for call in served), sum(call.output_tokens for call in served)
    assert min(total) > 0
    sums = "SELECT sum(input_tokens), sum(output_tokens) FROM"
    assert read(quickstart.path, f"{sums} complete_llm_interactions WHERE counted") == [total]
    assert read(quickstart.path, f"{sums} sessions") == [total]


def test_quickstart_has_three_sessions(quickstart: Quickstart) -> None:
    counts = "user_id, traces, spans, llm_calls, errors"
    sessions = read(quickstart.path, f"SELECT {counts} FROM sessions ORDER BY user_id, traces DESC")
    assert sessions == [("ada", 2, 6, 3, 0), ("ada", 1, 4, 2, 1), ("bob", 2, 5, 3, 1)]


def test_quickstart_puts_every_span_in_the_session_its_root_names(quickstart: Quickstart) -> None:
    named = """SELECT count(*) FROM spans WHERE attributes ->> '$."session.id"' IS NOT NULL"""
    assert read(quickstart.path, named) == [(5,)]
    placed = read(
        quickstart.path,
        """
        SELECT span.session_id = root.attributes ->> '$."session.id"'
        FROM spans AS span
        JOIN spans AS root ON root.trace_id = span.trace_id AND root.parent_span_id IS NULL""",
    )
    assert placed == [(1,)] * 15


def test_quickstart_links_every_start_to_its_finish_and_back(quickstart: Quickstart) -> None:
    pairs = read(
        quickstart.path,
        """
        SELECT span.span_id, start.related_event_id = finish.id, finish.related_event_id = start.id,
               start.start_time_unix_nano = span.start_time_unix_nano,
               finish.start_time_unix_nano = span.end_time_unix_nano
        FROM spans AS span
        JOIN events AS start ON start.span_id = span.span_id AND start.phase = 'start'
        JOIN events AS finish ON finish.span_id = span.span_id AND finish.phase = 'finish'""",
    )
    spans = read(quickstart.path, "SELECT span_id FROM spans")
    assert sorted(pairs) == sorted((span_id, 1, 1, 1, 1) for (span_id,) in spans)
    health = "SELECT records, linked_by_span, success_rate FROM link_health"
    assert read(quickstart.path, health) == [(30, 30, 1)]


def test_quickstart_stores_the_tool_calls_the_model_asked_for(quickstart: Quickstart) -> None:
    first, second = read(
        quickstart.path,
        """
        SELECT tool_name, arguments, result, tool.status, instr(llm.completion, tool_call_id) > 0
        FROM complete_tool_interactions AS tool
        JOIN complete_llm_interactions AS llm USING (trace_id)
        WHERE llm.finish_reasons LIKE '%tool_call%' ORDER BY tool.start_time_unix_nano""",
    )
    lisbon = '{"city": "Lisbon", "sky": "clear", "celsius": 21}'
    assert first == ("get_weather", '{"city": "Lisbon"}', lisbon, "ok", 1)
    assert second == ("get_weather", '{"city": "Atlantis"}', "error: no city is called Atlantis", "error", 1)


def test_quickstart_stores_the_failed_call_as_an_error(quickstart: Quickstart) -> None:
    ((model, error_type, tokens, prompt),) = read(
        quickstart.path,
        """
        SELECT model, error_type, total_tokens, prompt
        FROM complete_llm_interactions WHERE status = 'error'""",
    )
    assert (model, tokens) == ("no-such-model", None)
    assert error_type.endswith("NotFoundError")
    assert "Which of them is the longest?" in prompt


def test_quickstart_prints_what_it_stored_and_what_to_run_next(quickstart: Quickstart) -> None:
    for (shown,) in read(quickstart.path, "SELECT session_id FROM sessions UNION SELECT name FROM spans"):
        assert shown in quickstart.printed
    reading, opening = quickstart.printed.split("\nTry next:\n")[1].split("\n\n")
    commands = [shlex.split(line) for line in reading.splitlines()]
    assert [command[:4] for command in commands] == [
        [sys.executable, "-m", "otel_sqlite_exporter", name] for name in ("info", "session", "report")
    ]
    for command in commands:
        assert str(quickstart.path) in command
        assert run(quickstart.path.parent, *command)
    opened = shlex.split(opening.splitlines()[-1])
    assert opened[3:] == ["serve", str(quickstart.path), "--open"]


def test_quickstart_adds_to_a_file_that_is_there(tmp_path: Path, server: Any) -> None:
    path = tmp_path / "twice.db"
    run_quickstart(path, OPENAI_BASE_URL=server.base_url)
    run_quickstart(path, OPENAI_BASE_URL=server.base_url)
    assert len(server.served) == 16
    assert calls_stored(path) == calls_served(server)
    assert read(path, "SELECT count(*) FROM sessions") == [(6,)]


def test_quickstart_needs_neither_a_server_nor_a_path(tmp_path: Path) -> None:
    run(tmp_path, sys.executable, EXAMPLES / "quickstart.py")
    path = tmp_path / "otel-quickstart.db"
    assert read(path, "SELECT count(*), sum(input_tokens) > 0 FROM complete_llm_interactions") == [(8, 1)]


@needs("opentelemetry-distro")
def test_environment_traces_a_program_without_opentelemetry(tmp_path: Path, server: Any) -> None:
    _, _, code = (EXAMPLES / "environment.py").read_text().split('"""', 2)
    assert "opentelemetry" not in code
    run(tmp_path, "sh", EXAMPLES / "environment.sh", "outside.db", OPENAI_BASE_URL=server.base_url)
    path = tmp_path / "outside.db"
    assert calls_stored(path) == calls_served(server)
    spans = read(path, "SELECT name, service_name, session_id FROM spans ORDER BY start_time_unix_nano")
    assert spans == [
        ("chat gpt-4o-mini", "environment-example", None),
        ("embeddings text-embedding-3-small", "environment-example", None),
    ]
    ((prompt,),) = read(path, "SELECT prompt FROM complete_llm_interactions WHERE operation = 'chat'")
    assert "Why do programs write logs?" in prompt
    measured = read(path, "SELECT DISTINCT span_name FROM exemplars WHERE name = 'gen_ai.client.operation.duration'")
    assert sorted(measured) == [("chat gpt-4o-mini",), ("embeddings text-embedding-3-small",)]


@needs("opentelemetry-distro", "opentelemetry-configuration")
@pytest.mark.parametrize("chosen", [None, "chosen.db"])
def test_declarative_configuration_builds_the_exporter(
    tmp_path: Path,
    server: Any,
    chosen: str | None,
) -> None:
    environment = {"OTEL_CONFIG_FILE": str(EXAMPLES / "otel-config.yaml"), "OPENAI_BASE_URL": server.base_url}
    if chosen:
        environment["OTEL_EXPORTER_SQLITE_PATH"] = chosen
    run(tmp_path, "opentelemetry-instrument", "python", EXAMPLES / "declarative.py", **environment)
    path = tmp_path / (chosen or "otel-declarative.db")
    assert calls_stored(path) == calls_served(server)
    sessions = read(path, "SELECT session_id, service_name, traces, spans, llm_calls FROM sessions")
    assert sessions == [("reading-room", "declarative-example", 2, 4, 2)]


def test_declarative_records_nothing_unless_configured(tmp_path: Path, server: Any) -> None:
    run(tmp_path, sys.executable, EXAMPLES / "declarative.py", OPENAI_BASE_URL=server.base_url)
    assert len(server.served) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("no-such-model", 404, "model_not_found"),
        ("overloaded", 429, "rate_limit_exceeded"),
        ("broken", 500, "internal_error"),
    ],
)
def test_loopback_server_fails_as_the_api_does(server: Any, model: str, status: int, code: str) -> None:
    with (
        client(server) as openai_client,
        pytest.raises(import_module("openai").APIStatusError) as failure,
    ):
        openai_client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
    assert failure.value.status_code == status
    assert failure.value.code == code
    assert server.served == [("/v1/chat/completions", model, 0, 0, status)]


@pytest.mark.parametrize("tools", [None, [{"type": "function", "function": {"name": "look"}}]])
def test_loopback_server_streams_what_it_answers(server: Any, tools: list[Any] | None) -> None:
    messages = [{"role": "user", "content": "To be or not to be"}]
    question = {"model": "any", "messages": messages, "tools": tools}
    with client(server) as openai_client:
        create = openai_client.chat.completions.create
        plain = create(**question)
        *chunks, last = create(**question, stream=True, stream_options={"include_usage": True})
        for _ in create(**question, stream=True):
            pass
    message = plain.choices[0].message
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == (message.content or "")
    called = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert "".join(call.function.arguments for call in called) == ("{}" if tools else "")
    assert plain.choices[0].finish_reason == ("tool_calls" if tools else "stop")
    assert chunks[-1].choices[0].finish_reason == plain.choices[0].finish_reason
    assert last.usage == plain.usage
    assert [(call.input_tokens, call.output_tokens) for call in server.served] == [
        (plain.usage.prompt_tokens, plain.usage.completion_tokens),
        (plain.usage.prompt_tokens, plain.usage.completion_tokens),
        (0, 0),
    ]


def client(server: Any) -> Any:
    return import_module("openai").OpenAI(base_url=server.base_url, api_key="unused", max_retries=0)


def test_readme_names_files_that_exist() -> None:
    named = set(re.findall(r"(?:examples|tests)/[\w./-]+\w", (EXAMPLES / "README.md").read_text()))
    assert "examples/quickstart.py" in named
    assert [name for name in named if not (EXAMPLES.parent / name).exists()] == []
