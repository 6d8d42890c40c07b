# SPDX-License-Identifier: Apache-2.0
"""Takes requests of OTLP from both fronts: reads a body in pieces and in time, unpacks it, and hands it to the
receiver. Whatever happens, the front gets an answer or a RequestRefusedError."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import logging
import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from otel_sqlite_exporter.deliver.problem_log import ProblemLog
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import BadRequestError, BusyError, ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.server.body_deadlines import BODY_S, PIECE_S, BodyDeadlines, NextPiece
from otel_sqlite_exporter.server.body_unpacking import PLAIN, unpack_body
from otel_sqlite_exporter.server.byte_budget import ByteBudget, Reservation
from otel_sqlite_exporter.server.request_refusals import (
    BAD_REQUEST,
    BUSY,
    TOO_LARGE,
    ClientGoneError,
    RequestRefusedError,
)

_logger = logging.getLogger(__name__)
MIB = 1 << 20
_LONGEST_SENDER = 100
_PRODUCT = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: nothing in it needs an escape
_THREADS = 4
_RETRY_AFTER_S = 5


class RequestLimits(NamedTuple):
    """What requests may cost.

    Attributes:
        sent_bytes: The largest body as it is sent.
        unpacked_bytes: The largest body when it is unpacked.
        waiting_bytes: The most bytes of bodies that wait to be written.
        in_flight_bytes: The most bytes of all bodies, from their first piece to their answer. One client has half.
        piece_s: How long the next piece of a body may take.
        body_s: How long a whole body may take.
    """

    sent_bytes: int = 16 * MIB
    unpacked_bytes: int = 64 * MIB
    waiting_bytes: int = 64 * MIB
    in_flight_bytes: int = 256 * MIB
    piece_s: float = PIECE_S
    body_s: float = BODY_S


def make_limits(sent_bytes: int, unpacked_bytes: int) -> RequestLimits:
    """Return limits that let a client send two of the largest requests at once."""
    usual = RequestLimits()
    waiting = max(usual.waiting_bytes, unpacked_bytes)
    return RequestLimits(
        sent_bytes, unpacked_bytes, waiting, max(usual.in_flight_bytes, 4 * (sent_bytes + unpacked_bytes))
    )


class IncomingRequest(NamedTuple):
    """A request whose body is still to come; the other fields are those of `ReceivedRequest`."""

    signal: str
    is_json: bool
    encoding: str
    sender: str
    client: str


class RequestIntake:
    """Takes requests on the event loop, unpacks them in threads of its own, and hands them to `receiver`. A client has
    one request at a time in the threads."""

    def __init__(self, receiver: Receiver, path: str, limits: RequestLimits) -> None:
        self.limits = limits
        self._receiver = receiver
        self._budget = ByteBudget(limits.in_flight_bytes)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="otlp-request")
        self._log = ProblemLog(_logger, path)
        self._deadlines = BodyDeadlines(limits.piece_s, limits.body_s)

    async def take(self, incoming: IncomingRequest, next_piece: NextPiece) -> ExportAnswer:
        """Return the answer to a request whose body `next_piece` gives piece by piece: all its records that were not
        rejected are durable.

        Raises:
            RequestRefusedError: Nothing of it was stored.
            ClientGoneError: `next_piece` raised it.
        """
        try:
            with self._budget.reserve(incoming.client) as reservation:
                body = await self._read(next_piece, reservation)
                if incoming.encoding in PLAIN:  # nothing to do that takes time
                    answer = self._submit(incoming, body, reservation)
                else:
                    async with reservation.turn:
                        loop = asyncio.get_running_loop()
                        answer = await loop.run_in_executor(self._threads, self._submit, incoming, body, reservation)
                # What ends this task (a client that went away) is not to end the work of the receiver.
                return await asyncio.shield(asyncio.wrap_future(answer))
        except (RequestRefusedError, ClientGoneError):
            raise
        except (BadRequestError, BusyError) as error:
            error.__traceback__ = None  # it holds the body and, by the future, itself
            kind, after = (BUSY, error.retry_after_s) if isinstance(error, BusyError) else (BAD_REQUEST, None)
            raise RequestRefusedError(kind, str(error), after) from None
        except Exception as error:
            self._log.report_failure("a request could not be stored, and its sender was told to repeat it", error)
            raise RequestRefusedError(BUSY, "the request could not be stored: send it again", _RETRY_AFTER_S) from None

    async def _read(self, next_piece: NextPiece, reservation: Reservation) -> bytes:
        body = io.BytesIO()

        def take(piece: bytes) -> None:
            if body.tell() + len(piece) > self.limits.sent_bytes:
                raise refuse_size(self.limits.sent_bytes)
            reservation.add(len(piece))
            body.write(piece)

        await self._deadlines.read(next_piece, take)
        return body.getvalue()

    def _submit(self, incoming: IncomingRequest, body: bytes, reservation: Reservation) -> Future[ExportAnswer]:
        content = unpack_body(body, incoming.encoding, self.limits.unpacked_bytes, reservation.add)
        return self._receiver.submit(
            ReceivedRequest(incoming.signal, content, incoming.is_json, incoming.sender, incoming.client, len(body))
        )

    def stop(self) -> None:
        """Give bodies that are still being read a last second."""
        self._deadlines.stop()

    def close(self) -> None:
        """End the threads, once no request is under way."""
        self._threads.shutdown(cancel_futures=True)


def refuse_size(limit: int) -> RequestRefusedError:
    """Return the error for a body of more than `limit` bytes."""
    return RequestRefusedError(TOO_LARGE, f"the body has more than {limit} bytes: send smaller batches")


def name_sender(token: str | None, user_agent: str) -> str:
    """Return who sent a request: the name of its token, or else the product that its User-Agent begins with."""
    product = _PRODUCT.match(user_agent)
    return (token or (product[0] if product else "unknown"))[:_LONGEST_SENDER]


def name_client(address: str, token: str | None, sender: str) -> str:
    """Return whose turn a request takes. Programs of one machine share its loopback address, and those behind one proxy
    share that of the proxy: there the sender or the token tells them apart."""
    try:
        is_shared = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_shared = True
    return f"{address} {sender}" if is_shared or token else address
