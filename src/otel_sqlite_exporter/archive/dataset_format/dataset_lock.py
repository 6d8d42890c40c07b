# SPDX-License-Identifier: Apache-2.0
"""The lock of a dataset: many may add parts at once, and one alone puts parts in the place of those of others.

`archive` takes it shared: a run replaces only parts of its own source. `compact`, `delete` and `prune` take it alone.
Readers take none: manifests tell them what holds. The lock ends with its process, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.errors import FileRefusedError
from otel_sqlite_exporter.storage.system.system_files import BINARY, lock_file

LOCK = ".lock"


@contextmanager
def lock_dataset(dataset: DatasetFolder, *, alone: bool) -> Iterator[None]:
    """Hold the lock of `dataset` meanwhile: `alone`, or with others that only add parts.

    Raises:
        FileRefusedError: Another run holds it, or the file system has no locks.
        OSError: The folder cannot be written.
    """
    others = "`archive`, `compact`, `delete` or `prune`" if alone else "`compact`, `delete` or `prune`"
    with _hold(dataset, LOCK, f"another run of {others} uses the dataset", shared=not alone):
        yield


@contextmanager
def lock_source(dataset: DatasetFolder, source: str) -> Iterator[None]:
    """Hold the lock of what one file has in `dataset` meanwhile, beside that of the dataset.

    Raises:
        FileRefusedError: Another run of `archive` holds it.
        OSError: The folder cannot be written.
    """
    with _hold(dataset, f"{LOCK}-{source}", "another run of `archive` writes this file to the dataset", shared=False):
        yield


@contextmanager
def _hold(dataset: DatasetFolder, name: str, busy: str, *, shared: bool) -> Iterator[None]:
    descriptor = os.open(dataset.join(name), os.O_RDWR | os.O_CREAT | BINARY, 0o666)
    try:
        try:
            lock_file(descriptor, shared=shared)
        except BlockingIOError:
            raise FileRefusedError(f"{dataset.path}: {busy}: run this again when it has ended") from None
        except OSError as error:
            raise FileRefusedError(
                f"{dataset.path}: its file system has no file locks ({error.strerror}), so two runs could spoil each "
                "other's work: put the dataset on one that has"
            ) from None
        yield
    finally:
        os.close(descriptor)
