# SPDX-License-Identifier: Apache-2.0
"""What a dataset holds of a file: its manifests, and those in which `compact` put them together with others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.archive.archiving.noted_days import NotedDay
from otel_sqlite_exporter.archive.dataset_format.dataset_days import name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import HOLDS, Manifest, list_manifests, read_manifests

_NAME = re.compile(r"(.+)-(\d{4}-\d\d-\d\d)-(\d+)\.json")


class HeldManifests:
    """The manifests that hold, read once: beside a run of `archive`, nobody replaces those of its file.

    Attributes:
        holding: All of them.
        by_name: The same by their names.
    """

    def __init__(self, dataset: DatasetFolder) -> None:
        self.holding = [*read_manifests(dataset)]
        self._names = {*list_manifests(dataset), *(name for one in self.holding for name in one.replaces)}
        self._holders = {name: one for one in self.holding for name in one.facts.get(HOLDS, ())}
        self.by_name = {one.name: one for one in self.holding}

    def add(self, manifest: Manifest) -> None:
        """Note that `manifest` was committed."""
        self.holding = [one for one in self.holding if one.name not in manifest.replaces] + [manifest]
        self.by_name = {one.name: one for one in self.holding}
        self._names.add(manifest.name)

    def find(self, row: NotedDay) -> list[Manifest]:
        """Return the manifest that holds what a row notes, alone; none: it is lost, or a copy of the file wrote another
        one of this name to a dataset that came from a backup."""
        found = self.by_name.get(row.manifest)
        if found is None:
            return [self._holders[row.manifest]] if row.manifest in self._holders else []
        return [found] if found.facts.get("run_id") == row.run_id else []

    def find_generation(self, source: str, day: int, noted: Sequence[NotedDay]) -> int:
        """Return the generation after all that are known of a day."""
        date = name_day(day)
        used = [generation for name_date, generation in self._list_generations(source) if name_date == date]
        return 1 + max([*used, *(row.generation for row in noted if row.source == source)], default=-1)

    def has_others(self, source: str, noted: Sequence[NotedDay]) -> bool:
        """Return whether a copy of the file has used its name: the dataset has generations that the file does not
        note."""
        runs = {row.run_id for row in noted}
        if any(one.source == source and one.facts.get("run_id") not in runs for one in self.holding):
            return True
        newest = {name_day(row.day): row.generation for row in noted if row.source == source}
        return any(generation > newest.get(date, -1) for date, generation in self._list_generations(source))

    def _list_generations(self, source: str) -> Iterator[tuple[str, int]]:
        for name in {*self._names, *self._holders}:
            found = _NAME.fullmatch(name)
            if found is not None and found[1] == source:
                yield found[2], int(found[3])
