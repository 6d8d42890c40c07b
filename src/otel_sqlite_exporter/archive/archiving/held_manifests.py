# SPDX-License-Identifier: Apache-2.0
"""What a dataset holds of a file: its manifests, and those in which `compact` put them together with others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otel_sqlite_exporter.archive.archiving.noted_days import NotedDay
from otel_sqlite_exporter.archive.dataset_format.dataset_days import name_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import HOLDS, Manifest, list_manifests, read_manifests

_NAME = re.compile(r"(.+)-(\d{4}-\d\d-\d\d)-(\d+)\.json")


class HeldManifests:
    """The manifests that hold, read once: beside a run of `archive`, nobody replaces those of its file.

    Attributes:
        by_name: Those that hold, by their names.
    """

    def __init__(self, dataset: DatasetFolder) -> None:
        self.by_name: dict[str, Manifest] = {}
        self._by_day: dict[tuple[str, str], dict[str, Manifest]] = {}
        self._newest: dict[str, dict[str, int]] = {}
        for manifest in read_manifests(dataset):
            self.add(manifest)
        self._holders = {name: one for one in self.by_name.values() for name in one.facts.get(HOLDS, ())}
        for name in (*list_manifests(dataset), *self._holders):
            self._note_name(name)

    def add(self, manifest: Manifest) -> None:
        """Note that `manifest` holds."""
        of_day = self._by_day.setdefault((manifest.source, manifest.date), {})
        for name in manifest.replaces:
            self._note_name(name)
            self.by_name.pop(name, None)
            of_day.pop(name, None)
        self._note_name(manifest.name)
        self.by_name[manifest.name] = of_day[manifest.name] = manifest

    def find(self, row: NotedDay) -> list[Manifest]:
        """Return the manifest that holds what a row notes, alone; none: it is lost, or a copy of the file wrote another
        one of this name to a dataset that came from a backup."""
        found = self.by_name.get(row.manifest)
        if found is None:
            return [self._holders[row.manifest]] if row.manifest in self._holders else []
        return [found] if found.facts.get("run_id") == row.run_id else []

    def list_of_day(self, source: str, day: int) -> list[Manifest]:
        """Return those of a source and a day, in the order in which they came."""
        return [*self._by_day.get((source, name_day(day)), {}).values()]

    def is_removed(self, row: NotedDay) -> bool:
        """Return whether `delete` or `prune` left nothing in the dataset of what a row notes."""
        return any(not one.parts for one in self.find(row))

    def find_generation(self, source: str, day: int, noted: Sequence[NotedDay]) -> int:
        """Return the generation after all that are known of a day."""
        newest = self._newest.get(source, {}).get(name_day(day), -1)
        return 1 + max([newest, *(row.generation for row in noted if row.source == source)])

    def has_others(self, source: str, noted: Sequence[NotedDay]) -> bool:
        """Return whether a copy of the file has used its name: the dataset has generations that the file does not
        note."""
        runs = {row.run_id for row in noted}
        if any(one.source == source and one.facts.get("run_id") not in runs for one in self.by_name.values()):
            return True
        newest = {name_day(row.day): row.generation for row in noted if row.source == source}
        return any(generation > newest.get(date, -1) for date, generation in self._newest.get(source, {}).items())

    def _note_name(self, name: str) -> None:
        if found := _NAME.fullmatch(name):
            dates = self._newest.setdefault(found[1], {})
            dates[found[2]] = max(dates.get(found[2], -1), int(found[3]))
