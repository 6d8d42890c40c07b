# SPDX-License-Identifier: Apache-2.0
"""Reads bodies in time: each piece and the whole have a deadline, which is shorter once the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Receive

from otel_sqlite_exporter.server.request_refusals import BUSY, ClientGoneError, RequestRefusedError

NextPiece = Callable[[], Awaitable[tuple[bytes, bool]]]
"""Returns the next piece of a body, and whether there are more."""
PIECE_S, BODY_S = 10.0, 60.0
"""The usual deadlines, in seconds: of the next piece of a body, and of a whole one."""
_STOP_S = 1.0
_RETRY_AFTER_S = 5


def read_pieces(receive: Receive) -> NextPiece:
    """Return what reads the body of a request of ASGI. It raises ClientGoneError if the connection ends before."""

    async def next_piece() -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError("the connection ended before the request did")
        return message.get("body", b""), message.get("more_body", False)

    return next_piece


class BodyDeadlines:
    """The deadlines of the bodies that are being read: `piece_s` for the next piece, `body_s` for all. An instance
    belongs to one event loop."""

    def __init__(self, piece_s: float, body_s: float) -> None:
        self._piece_s = piece_s
        self._body_s = body_s
        self._open: set[asyncio.Timeout] = set()
        self._is_stopping = False

    async def read(self, next_piece: NextPiece, take: Callable[[bytes], None]) -> None:
        """Call `take` with each piece of a body.

        Raises:
            RequestRefusedError: It did not come in time; or what `next_piece` and `take` raise.
        """
        end = asyncio.get_running_loop().time() + self._body_s
        try:
            async with asyncio.timeout(None) as deadline:
                self._open.add(deadline)
                more = True
                while more:
                    self._give_time(deadline, end)
                    piece, more = await next_piece()
                    take(piece)
        except TimeoutError:
            # 408 says what happened, but clients of OTLP repeat only 429, 502, 503 and 504.
            why = "the server stops" if self._is_stopping else "the body did not come in time"
            raise RequestRefusedError(BUSY, f"{why}: send the request again", _RETRY_AFTER_S) from None
        finally:
            self._open.discard(deadline)

    def _give_time(self, deadline: asyncio.Timeout, end: float) -> None:
        pause = _STOP_S if self._is_stopping else self._piece_s
        deadline.reschedule(min(asyncio.get_running_loop().time() + pause, end))

    def stop(self) -> None:
        """Give bodies that are still being read a last second."""
        self._is_stopping = True
        now = asyncio.get_running_loop().time()
        for deadline in self._open:
            if not deadline.expired():
                deadline.reschedule(min(now + _STOP_S, deadline.when() or now + _STOP_S))
