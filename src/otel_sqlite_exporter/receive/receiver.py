# SPDX-License-Identifier: Apache-2.0
"""Receives requests of OTLP: groups them, writes each group in one transaction, and answers when it is durable.

One thread decodes, encodes and writes. A group is what waits when the one before it is written, so a lone request waits
for nothing, and the busier the receiver, the larger the groups. Encoding is done before the transaction begins.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from concurrent.futures import Future

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.deliver.problem_log import ProblemLog
from otel_sqlite_exporter.errors import ForeignFileError, NewerFileError
from otel_sqlite_exporter.receive.drain_rate import DrainRate
from otel_sqlite_exporter.receive.request_decoder import RequestDecoder
from otel_sqlite_exporter.receive.request_groups import RequestGroup
from otel_sqlite_exporter.receive.requests import BadRequestError, BusyError, ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.receive.waiting_requests import WaitingRequest, WaitingRequests
from otel_sqlite_exporter.settings import Settings

_logger = logging.getLogger(__name__)
_LONGEST_WAIT_S = 0.05
_RETRY_INTERVAL_S = 1.0
"""How often an idle receiver tries to bring the spool into the file."""
_FAILED = "an error came between: the log of the receiver has it"


class Receiver:
    """Takes requests on any thread, and writes them on one thread of its own. Making one touches nothing.

    Args:
        settings: Those of the file.
        waiting_bytes: The most bytes of bodies that may wait.
    """

    def __init__(self, settings: Settings, *, waiting_bytes: int = 64 << 20) -> None:
        self._pid = os.getpid()
        self._decoder = RequestDecoder(settings)
        self._delivery = Delivery(settings, "receive", senders_repeat=True)
        self._waiting = WaitingRequests(waiting_bytes)
        self._rate = DrainRate()
        self._log = ProblemLog(_logger, settings.path)
        self._thread = threading.Thread(target=self._run, name="otel-sqlite-receiver", daemon=True)
        self._thread.start()

    def submit(self, request: ReceivedRequest) -> Future[ExportAnswer]:
        """Return what will hold the answer, once all records that were not rejected are durable. It may raise
        BadRequestError or BusyError instead, and nothing else. If it is cancelled before its turn comes, nothing is
        written.

        Raises:
            BusyError: Too much waits, or the receiver is closed, or of the process that this one is a fork of.
        """
        one = WaitingRequest(request, Future())
        if os.getpid() != self._pid:
            raise self._make_busy("this process is a fork of the receiver")
        if not self._waiting.put(one):
            said = "the receiver is closed" if self._waiting.is_closed else "too much waits to be written"
            raise self._make_busy(said)
        return one.answer

    def close(self) -> None:
        """Write what waits, and close the file. Later requests raise BusyError. Returns when that is done, on each
        thread that calls it; in a fork, it does nothing."""
        if os.getpid() == self._pid:
            self._waiting.close()
            self._thread.join()

    def _run(self) -> None:
        while not self._waiting.is_done:
            try:
                one = self._waiting.take(_RETRY_INTERVAL_S if self._delivery.has_spooled else None)
                if one is not None:
                    self._write_group(one)
                elif not self._waiting.is_closed:
                    self._delivery.note_alive()
            except Exception as error:  # nothing else empties the queue
                self._log.report_failure("the receiver goes on", error)
        self._delivery.close()

    def _write_group(self, first: WaitingRequest) -> None:
        """Write a request and what waits with it."""
        group = RequestGroup()
        began = time.monotonic()
        one: WaitingRequest | None = first
        try:
            while one is not None:
                group.take(one)
                self._add(group, one)
                is_due = time.monotonic() - began > _LONGEST_WAIT_S
                one = self._waiting.take(0, most_bytes=0 if is_due else group.left_bytes)
            self._deliver(group, began)
        except BaseException:
            group.fail(self._make_busy(_FAILED))
            raise
        finally:
            for taken in group.taken:
                self._waiting.release(taken)

    def _add(self, group: RequestGroup, one: WaitingRequest) -> None:
        request, answer = one
        if not answer.set_running_or_notify_cancel():
            return
        try:
            encoded = self._decoder.decode_request(request, time.time_ns())
        except BadRequestError as error:
            # Its traceback holds the whole request and this future, so that only the garbage collector ends them.
            answer.set_exception(BadRequestError(str(error)))
        except MemoryError:
            answer.set_exception(self._make_busy("there is no memory for it now"))
        except Exception as error:  # it is not to cost the others of the group
            answer.set_exception(self._make_busy(_FAILED))
            self._log.report_failure("a request could not be read", error)
        else:
            digest = hashlib.blake2b(request.body, digest_size=16, key=request.signal.encode()).hexdigest()
            group.add(one, encoded, digest)

    def _deliver(self, group: RequestGroup, began: float) -> None:
        records = group.make_records()
        if not records:
            return
        error = self._delivery.try_to_deliver(records)
        size = sum(one.size_bytes for one in group.taken)
        self._rate.note(size if error is None else 0, time.monotonic() - began)
        if error is None:
            group.answer()
        else:
            group.fail(self._make_busy(_explain(error)))

    def _make_busy(self, said: str) -> BusyError:
        retry_after_s = self._rate.find_wait_s(self._waiting.held_bytes)
        return BusyError(f"{said}: send it again in {retry_after_s} s", retry_after_s)


def _explain(error: BaseException) -> str:
    if isinstance(error, NewerFileError):
        return (
            "a newer version of otel-sqlite-exporter wrote the file, so the receiver needs "
            "`pip install -U otel-sqlite-exporter`"
        )
    if isinstance(error, ForeignFileError):
        return "the file of the receiver is not one of otel-sqlite-exporter, so it needs another path"
    return "neither the file nor the spool beside it can be written now"
