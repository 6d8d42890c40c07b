# SPDX-License-Identifier: Apache-2.0
"""From the spool into the file: in order, each batch once, also if the process is killed half-way."""

from __future__ import annotations

import time

from otel_sqlite_exporter.deliver.retry import write_records
from otel_sqlite_exporter.deliver.spool import Spool
from otel_sqlite_exporter.deliver.spool_format import load_batch
from otel_sqlite_exporter.write.writer import Replay, Writer


def replay_spool(writer: Writer, spool: Spool, *, deadline: float = float("inf")) -> tuple[int, int]:
    """Write the batches that wait in `spool`, and return the number of batches and of records. After `deadline` (of
    `time.monotonic`) no batch but the first is begun. The spool is removed when it is empty. Each batch counts for the
    run that put it there.

    The transaction that writes a batch notes it in the file; then the spool notes it as taken. Where the process is
    killed between the two, the file knows the batch, and the next replay passes over it.

    Raises:
        SpoolError: The spool is in use, not one of this package, or holds a batch that this version cannot read.
        sqlite3.Error, OSError: The file or the spool cannot be written now; the rest stays in the spool.
    """
    batches = count = 0
    while time.monotonic() < deadline or not batches:
        # Held for one batch at a time, so that nobody who wants to add one waits for long.
        with spool.hold(timeout_s=0) as held:
            if held is None:
                break
            frame = next(iter(held), None)
            if frame is None:
                held.remove()
                break
            records, run, spooled_at = load_batch(frame.content)
            write_records(writer, records, run, Replay(held.spool_id, frame.batch_id, spooled_at))
            held.advance(frame)
        batches += 1
        count += len(records)
    return batches, count
