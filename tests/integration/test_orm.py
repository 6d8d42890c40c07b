# SPDX-License-Identifier: Apache-2.0
"""The models on a real file: what they show, how they hang together, and that nothing can be written through them."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link as SpanLink
from sqlalchemy import Select, func, select, update

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.errors import FileRefusedError, MigrationRequiredError, ReadOnlyError
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from otel_sqlite_exporter.orm import (
    Agent,
    Event,
    Link,
    LLMInteraction,
    Log,
    Model,
    Session,
    Span,
    ToolInteraction,
    Trace,
    open_engine,
)
from tests.commands import become_next
from tests.conftest import clean_environment, exporting, make_spans, modules_after, read
from tests.file_checks import snapshot
from tests.new_files import put_new_file
from tests.sample_traces import write_traces

MODELS: list[type[Model]] = sorted(
    (mapper.class_ for mapper in Model.registry.mappers), key=lambda model: model.__name__
)
QUOTED = 'app."quoted".key'


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of calls and tools; a span with a link to another, a log record inside it, and every type of attribute."""
    path = write_traces(tmp_path_factory.mktemp("models") / "otel.db")
    tracers = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    tracers.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    tracer = tracers.get_tracer("tests")
    first = tracer.start_span("first")
    first.add_event(SCORE_EVENT, {"gen_ai.evaluation.name": "Tone"})
    first.end()
    attributes: dict[str, Any] = {"bytes": b"ab", "loss": math.inf, "yes": True, "list": [1, 2], "session.id": "linked"}
    with tracer.start_as_current_span("second", attributes=attributes, links=[SpanLink(first.get_span_context())]):
        logs.get_logger("tests").emit(LogRecord(event_name="noted", body="a line"))
    tracers.shutdown()
    logs.shutdown()
    return path


@pytest.fixture
def session(asked: Path) -> Iterator[sqlalchemy.orm.Session]:
    with sqlalchemy.orm.Session(open_engine(asked)) as session:
        yield session


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_model_shows_every_row_of_its_view(asked: Path, session: sqlalchemy.orm.Session, model: type[Model]) -> None:
    names = [column.key for column in sqlalchemy.inspect(model).column_attrs]
    rows = [tuple(getattr(one, name) for name in names) for one in session.scalars(select(model))]
    assert rows
    assert sorted(map(repr, rows)) == sorted(map(repr, read(asked, f"SELECT * FROM {model.__tablename__}")))


def test_a_column_has_its_type_for_a_type_checker(session: sqlalchemy.orm.Session) -> None:
    totals: Select[tuple[int | None]] = select(Trace.total_tokens).order_by(Trace.total_tokens)
    counts: Select[tuple[str, int]] = select(Session.session_id, Session.trace_count)
    assert all(total is None or total > 0 for total in session.scalars(totals))
    assert all(count > 0 for _, count in session.execute(counts))


def test_relationships_lead_both_ways(session: sqlalchemy.orm.Session) -> None:
    for trace in session.scalars(select(Trace)):
        assert len(trace.spans) == trace.span_count
        assert all(span.trace is trace for span in trace.spans)
        assert trace.root in trace.spans
        assert trace.session is None or trace in trace.session.traces
    for span in session.scalars(select(Span)):
        assert all(child.parent is span for child in span.children)
        assert (span.parent is None) == (span.parent_span_id is None)
        assert span.parent is None or span in span.parent.children
        assert span.start is not None
        assert span.finish is not None
        assert span.start.related is span.finish
        assert span.finish.related is span.start
        assert all(event.span is span for event in span.events)
        assert {span.start, span.finish} <= set(span.events)


def test_calls_lead_to_their_spans_and_their_records(session: sqlalchemy.orm.Session) -> None:
    for call in session.scalars(select(LLMInteraction)):
        assert call.span is not None
        assert call.span.llm_interactions == [call]
        assert (call.start, call.finish) == (call.span.start, call.span.finish)
        assert call.session is not None
        assert call in call.session.llm_interactions


def test_executions_of_tools_lead_to_their_spans_and_their_records(session: sqlalchemy.orm.Session) -> None:
    for tool in session.scalars(select(ToolInteraction)):
        assert tool.span is not None
        assert tool.span.tool_interactions == [tool]
        assert (tool.start, tool.finish) == (tool.span.start, tool.span.finish)
        assert tool.session is not None
        assert tool in tool.session.tool_interactions


def test_a_tool_leads_to_the_call_that_asked_for_it(path: Path) -> None:
    asks = '[{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {}}]}]'
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.output.messages": asks}
    with exporting(path) as exporter:
        exporter.export(make_spans("chat", attributes=attributes))
    with sqlalchemy.orm.Session(open_engine(path)) as session:
        call = session.scalars(select(LLMInteraction)).one()
        (tool,) = call.tool_interactions
        assert tool.tool_name == "search"
        assert tool.asked_by is call.span


def test_an_agent_leads_to_its_calls(session: sqlalchemy.orm.Session) -> None:
    agents = session.scalars(select(Agent)).all()
    # The spans of agents name none in this file.
    assert {(agent.service_name, agent.agent_name) for agent in agents} == {
        (service, name) for service in ("support", "orders") for name in ("planner", None)
    }
    for agent in agents:
        counted = [call for call in agent.llm_interactions if call.counted and not call.is_aggregate]
        assert len(counted) == agent.llm_calls == (12 if agent.agent_name else 0)
        assert all(call.agent is agent for call in agent.llm_interactions)


def test_links_and_logs_lead_to_their_spans(session: sqlalchemy.orm.Session) -> None:
    (link,) = session.scalars(select(Link))
    assert link.span is not None
    assert link.linked_span is not None
    assert (link.span.name, link.linked_span.name) == ("second", "first")
    assert link.span.links == link.linked_span.linked_by == [link]
    (log,) = session.scalars(select(Log))
    assert log.span is link.span
    assert log.event is not None
    assert (log.event.name, log.event.log) == ("noted", log)
    (noted,) = session.scalars(select(Event).where(Event.name == "noted"))
    assert noted is log.event


def test_an_attribute_is_what_was_recorded(session: sqlalchemy.orm.Session) -> None:
    second = session.scalars(select(Span).where(Span.name == "second")).one()
    assert [second.attribute(key) for key in ("bytes", "loss", "yes", "list", "no")] == [
        *(b"ab", math.inf, True, [1, 2], None)
    ]


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [(Span, "gen_ai.request.model", "o4-mini"), (Span, QUOTED, 7), (LLMInteraction, QUOTED, 7), (Span, "yes", True)],
)
def test_an_attribute_works_inside_a_query(
    session: sqlalchemy.orm.Session, model: type[Model], key: str, value: Any
) -> None:
    found = session.scalars(select(model).where(model.attribute(key) == value)).all()
    assert found
    everything = session.scalars(select(model)).all()
    assert set(found) == {one for one in everything if one.attribute(key) == value}
    selected = session.scalars(select(model.attribute(key)).order_by(model.attribute(key))).all()
    assert len(selected) == len(everything)
    assert value in selected


def test_nothing_can_be_written(asked: Path, session: sqlalchemy.orm.Session) -> None:
    before = snapshot(asked)
    span = session.scalars(select(Span)).first()
    assert span is not None
    attempts: list[Callable[[], None]] = [
        lambda: setattr(span, "name", "other"),
        lambda: session.delete(span),
        lambda: session.add(Trace(trace_id="0" * 32)),
    ]
    for attempt in attempts:
        attempt()
        with pytest.raises(ReadOnlyError, match=r"a row of the view (spans|traces) and can only be read"):
            session.flush()
        session.rollback()
    for statement in (update(Span).values(name="other"), sqlalchemy.text("DELETE FROM _spans")):
        with pytest.raises(ReadOnlyError, match="this statement writes"):
            session.execute(statement)
        session.rollback()
    session.close()
    assert snapshot(asked) == before


def test_another_error_of_a_statement_stays_what_it_is(session: sqlalchemy.orm.Session) -> None:
    with pytest.raises(sqlalchemy.exc.OperationalError, match="no such table"):
        session.execute(sqlalchemy.text("SELECT * FROM absent"))


def test_what_a_session_reads_is_of_one_moment(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
        with sqlalchemy.orm.Session(open_engine(path)) as session:
            assert session.scalar(select(func.count()).select_from(Span)) == 1
            exporter.export(make_spans("two"))
            assert session.scalar(select(func.count()).select_from(Span)) == 1
            session.rollback()
            assert session.scalar(select(func.count()).select_from(Span)) == 2


def test_a_session_may_go_from_thread_to_thread(session: sqlalchemy.orm.Session) -> None:
    with ThreadPoolExecutor(1) as pool:
        (name,) = pool.submit(lambda: session.scalars(select(Session.session_id).limit(1)).all()).result()
    assert name in session.scalars(select(Session.session_id)).all()


def test_what_is_no_file_of_this_version_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileRefusedError, match="does not exist"):
        open_engine(path)
    path.write_bytes(b"")
    with pytest.raises(FileRefusedError, match="has no schema yet"):
        open_engine(path)
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
    become_next(monkeypatch)
    with pytest.raises(MigrationRequiredError, match=r"is older than the models: .*migrate"):
        open_engine(path)


def test_without_sqlalchemy_the_error_has_the_command_that_installs_it() -> None:
    code = """\
import sys
sys.modules["sqlalchemy"] = None  # as if it were not installed
from otel_sqlite_exporter.errors import MissingPackageError
try:
    import otel_sqlite_exporter.orm
except MissingPackageError as error:
    print(error)"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=False
    )
    expected = "otel_sqlite_exporter.orm needs SQLAlchemy 2: `pip install 'otel-sqlite-exporter[sqlalchemy]'`\n"
    assert (done.stdout, done.stderr) == (expected, "")


def test_the_models_import_no_opentelemetry() -> None:
    loaded = modules_after("import otel_sqlite_exporter.orm")
    assert "sqlalchemy" in loaded
    assert {name.partition(".")[0] for name in loaded} & {"opentelemetry", "click", "rich"} == set()
