# SPDX-License-Identifier: Apache-2.0
"""A receiver whose file, disk or process fails: what it answered for is there afterwards; what it refused is not."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.deliver.retry import REFUSED
from otel_sqlite_exporter.deliver.spool import spool_path
from otel_sqlite_exporter.maintain.repair import recover
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.request_decoder import RequestDecoder
from otel_sqlite_exporter.receive.requests import UNREADABLE, BusyError, ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import in_new_process, read, span_names
from tests.integration.test_failures import fill
from tests.received import (
    ask_for_logs,
    ask_for_spans,
    locked,
    log_texts,
    make_message,
    make_request,
    make_span,
    receiving,
    source,
)

DONE = ExportAnswer()


def send_together(receiver: Receiver, path: Path, *requests: ReceivedRequest) -> list[ExportAnswer]:
    """Let requests be one group: they wait while the group before them does."""
    with locked(path):
        held = receiver.submit(ask_for_logs("held"))
        while not held.running():
            pass
        answers = [receiver.submit(request) for request in requests]
    return [answer.result() for answer in (held, *answers)][1:]


def make_noise(size: int) -> str:
    """A text that no compression makes smaller."""
    return os.urandom(size // 2).hex()


@pytest.mark.parametrize("is_spooled", [False, True])
def test_a_record_that_sqlite_refuses_costs_no_other(path: Path, is_spooled: bool) -> None:
    """The trigger refuses as a constraint does."""
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON _spans WHEN new.name = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    spans = make_message("traces", make_span(1), make_span(2, name="bad"), "no object", make_span(3))
    requests = [ask_for_logs("one"), make_request("traces", spans), ask_for_spans(4), ask_for_logs("two")]
    expected = [DONE, ExportAnswer(1, UNREADABLE), DONE, DONE]
    if is_spooled:
        with receiving(path, busy_timeout_ms=0) as receiver, locked(path):
            assert [receiver.submit(request).result() for request in requests] == expected
            receiver.close()
        recover(resolve_settings(path))
    else:
        with receiving(path) as receiver:
            assert send_together(receiver, path, *requests) == expected
    # A repetition finds all of it there.
    with receiving(path) as receiver:
        assert receiver.submit(requests[1]).result() == expected[1]
    assert span_names(path) == ["span 1", "span 3", "span 4"]
    assert set(log_texts(path)) >= {"one", "two"}
    assert read(path, "SELECT count(*) FROM _quarantine") == [(2,)]
    (counted,) = source(
        path, "received, stored, duplicate, rejected, rejected_reasons, sent_bytes", "signal = 'traces'"
    )
    assert counted[:4] == (9, 3, 4, 2)
    assert json.loads(counted[4]) == {REFUSED: 1, UNREADABLE: 1}
    assert counted[5] == 2 * requests[1].sent_bytes + requests[2].sent_bytes
    assert read(path, "SELECT sum(dropped) FROM exporter_health") == [(0,)]


def test_a_request_that_is_too_large_for_the_spool_costs_no_other(path: Path) -> None:
    large = ask_for_logs(make_noise(5 << 20), client="another")
    with receiving(path, busy_timeout_ms=0, spool_limit_bytes=1 << 20) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            answers = [receiver.submit(ask_for_logs(str(number))) for number in range(20)]
            refused = receiver.submit(large)
            answers += [receiver.submit(ask_for_logs(str(number))) for number in range(20, 40)]
            with pytest.raises(BusyError, match="neither the file nor the spool"):
                refused.result()
            assert {answer.result() for answer in answers} == {DONE}
        assert receiver.submit(large).result() == DONE
    recover(resolve_settings(path))
    assert sorted(text if len(text) < 9 else "large" for text in log_texts(path)) == sorted(
        ["first", *map(str, range(40)), "large"]
    )


def test_a_full_disk_is_said_until_there_is_room(small_disk: Path) -> None:
    path = small_disk / "otel.db"
    never, lost = ask_for_logs("never"), ask_for_logs(*(make_noise(100_000) for _ in range(20)))
    with receiving(path) as receiver:
        filler = fill(small_disk)
        with pytest.raises(BusyError, match="neither the file nor the spool"):
            receiver.submit(never).result()
        filler.unlink()
        assert receiver.submit(ask_for_logs("first")).result() == DONE
        filler = fill(small_disk)
        with pytest.raises(BusyError, match="neither the file nor the spool"):
            receiver.submit(lost).result()
        filler.unlink()
        assert receiver.submit(never).result() == DONE
    assert log_texts(path) == ["first", "never"]
    assert read(path, "SELECT sum(received), sum(dropped) FROM exporter_health") == [(2, 0)]
    assert not {"otel.db-spool", "otel.db-lost"} & set(os.listdir(small_disk))


@pytest.mark.parametrize("removed", ["*", "otel.db"])
def test_a_file_that_is_removed_is_made_anew(path: Path, removed: str) -> None:
    with receiving(path) as receiver:
        assert receiver.submit(ask_for_logs("gone")).result() == DONE
        for file in path.parent.glob(removed):
            file.unlink()
        assert receiver.submit(ask_for_logs("next")).result() == DONE
        assert log_texts(path) == ["next"]
        # The new file knows no request of the one before.
        assert receiver.submit(ask_for_logs("gone")).result() == DONE
    assert log_texts(path) == ["next", "gone"]


def test_a_file_that_is_replaced_is_written_to(path: Path) -> None:
    other = path.with_name("other.db")
    with receiving(other) as receiver:
        receiver.submit(ask_for_logs("other")).result()
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("gone")).result()
        for file in path.parent.glob("otel.db*"):
            file.unlink()
        other.rename(path)
        answers = [receiver.submit(ask_for_logs(text)) for text in ("other", "next")]
        assert [answer.result() for answer in answers] == [DONE, DONE]
    assert log_texts(path) == ["other", "next"]


def test_a_file_that_is_replaced_by_one_of_a_newer_version_is_left_alone(path: Path) -> None:
    copy = path.with_name("copy.db")
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with closing(sqlite3.connect(path)) as file:
            file.execute("VACUUM INTO ?", (str(copy),))
        with closing(sqlite3.connect(copy)) as file:
            ((own,),) = file.execute("PRAGMA user_version")
            file.execute("PRAGMA user_version = 999")
        for one in path.parent.glob("otel.db*"):
            one.unlink()
        copy.rename(path)
        with pytest.raises(BusyError, match="pip install -U otel-sqlite-exporter"):
            receiver.submit(ask_for_logs("second")).result()
        assert not Path(spool_path(str(path))).exists()
        with closing(sqlite3.connect(path)) as file:
            file.execute(f"PRAGMA user_version = {own}")
        assert receiver.submit(ask_for_logs("second")).result() == DONE
    assert log_texts(path) == ["first", "second"]


def test_a_file_that_a_newer_version_upgrades_meanwhile_is_left_alone(path: Path) -> None:
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with closing(sqlite3.connect(path)) as file:
            ((own,),) = file.execute("PRAGMA user_version")
            file.execute("PRAGMA user_version = 999")
            with pytest.raises(BusyError, match="pip install -U otel-sqlite-exporter"):
                receiver.submit(ask_for_logs("second")).result()
            assert not Path(spool_path(str(path))).exists()
            assert log_texts(path) == ["first"]
            file.execute(f"PRAGMA user_version = {own}")
        assert receiver.submit(ask_for_logs("second")).result() == DONE
    assert log_texts(path) == ["first", "second"]


def test_what_waits_when_a_receiver_closes_is_kept_though_the_file_is_locked(path: Path) -> None:
    with receiving(path, busy_timeout_ms=50) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            answers = [receiver.submit(ask_for_logs(str(number))) for number in range(30)]
            closers = [threading.Thread(target=receiver.close) for _ in range(3)]
            for closer in closers:
                closer.start()
            receiver.close()
            assert [answer.result(0) for answer in answers] == [DONE] * 30
            for closer in closers:
                closer.join()
            with pytest.raises(BusyError, match="closed"):
                receiver.submit(ask_for_logs("late"))
    recover(resolve_settings(path))
    assert sorted(log_texts(path)) == sorted(["first", *map(str, range(30))])


@pytest.mark.parametrize("error", [RuntimeError("secret"), MemoryError(), RecursionError()], ids=repr)
def test_a_request_that_cannot_be_read_costs_no_other(
    path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is raised here stands for an error of this package, and for want of memory."""
    decode = RequestDecoder.decode_request

    def fail(decoder: RequestDecoder, request: ReceivedRequest, now: int) -> object:
        if b"bad" in request.body:
            raise error
        return decode(decoder, request, now)

    monkeypatch.setattr(RequestDecoder, "decode_request", fail)
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            answers = [receiver.submit(ask_for_logs(text)) for text in ("held", "one", "bad", "two")]
        with pytest.raises(BusyError, match="no memory" if isinstance(error, MemoryError) else "log of the receiver"):
            answers.pop(2).result()
        assert [answer.result() for answer in answers] == [DONE] * 3
    assert log_texts(path) == ["first", "held", "one", "two"]
    assert "secret" not in caplog.text


def fork_beside_requests(path: str) -> None:
    """A program: its children may not use what it goes on using."""
    receiver = Receiver(resolve_settings(path))
    answers = []
    children = []
    for number in range(60):
        answers.append(receiver.submit(ask_for_logs(str(number))))
        if number % 20 == 10 and not (child := os.fork()):
            status = 1
            with contextlib.suppress(BusyError):
                receiver.submit(ask_for_logs("of a child"))
                status = 2
            receiver.close()
            os._exit(0 if status == 1 else 1)
        if number % 20 == 10:
            children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    results = [answer.result() for answer in answers]
    receiver.close()
    print(json.dumps([statuses, len(results)]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_has_no_part_in_the_receiver(path: Path) -> None:
    assert in_new_process(fork_beside_requests, path) == [[0, 0, 0], 60]
    assert sorted(map(int, log_texts(path))) == [*range(60)]
