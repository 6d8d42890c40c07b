# SPDX-License-Identifier: Apache-2.0
"""From the spool into the file: in order, each batch once, also if the process is killed half-way."""

from __future__ import annotations

import logging
from functools import partial

from otel_sqlite_exporter.deliver.retry import is_about_file, write_records
from otel_sqlite_exporter.deliver.spool import Frame, HeldSpool, Spool
from otel_sqlite_exporter.deliver.spool_format import load_batch
from otel_sqlite_exporter.errors import UnreadableBatchError
from otel_sqlite_exporter.storage.transactions import Deadline
from otel_sqlite_exporter.write.writer import Replay, Writer

_logger = logging.getLogger(__name__)


def replay_spool(writer: Writer, spool: Spool, *, deadline: Deadline | None = None) -> tuple[int, int]:
    """Write the batches that wait in `spool`, and return the number of batches and of records. After `deadline`
    no batch but the first is begun. The spool is removed when it is empty. Each batch counts for the
    run that put it there.

    The transaction that writes a batch notes it in the file; then the spool notes it as taken. Where the process is
    killed between the two, the file knows the batch, and the next replay passes over it. What cannot be read is set
    aside beside the spool, and does not keep back what stands behind it.

    Raises:
        SpoolError: The spool is in use, not one of this package, or holds a batch of a newer version.
        sqlite3.Error, OSError: The file or the spool cannot be written now; the rest stays in the spool.
    """
    batches = count = 0
    while not batches or deadline is None or not deadline.has_passed():
        # Held for one batch at a time, so that nobody who wants to add one waits for long.
        records = spool.hold(partial(_replay_one, writer), timeout_s=0)
        if records is None:
            break
        batches += 1
        count += records
    return batches, count


def _replay_one(writer: Writer, spool: HeldSpool) -> int | None:
    """Write the first batch, and return the number of its records; None where no batch is left, and remove the
    spool."""
    frame = next(iter(spool), None)
    if frame is None:
        spool.remove()
        return None
    try:
        records, run, spooled_at = load_batch(frame.content)
    except UnreadableBatchError as error:
        return _set_aside(spool, frame, error)
    mark = Replay(spool.spool_id, frame.batch_id, spooled_at)
    try:
        write_records(writer, records, run, mark)
    except Exception as error:
        if is_about_file(error):
            raise
        return _set_aside(spool, frame, error)
    spool.advance(frame)
    return len(records)


def _set_aside(spool: HeldSpool, frame: Frame, error: Exception) -> int:
    path = spool.set_aside(frame)
    _logger.error("a batch of the spool cannot be read and is kept in %s: %s", path, error)
    spool.advance(frame)
    return 0
