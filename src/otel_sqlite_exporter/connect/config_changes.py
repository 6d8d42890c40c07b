# SPDX-License-Identifier: Apache-2.0
"""Plans a change of a configuration, so that it can be shown first, and makes it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect.agent_profiles import AgentProfile
from otel_sqlite_exporter.connect.blocks import undo_block, write_block
from otel_sqlite_exporter.connect.change_records import ChangeRecord, read_record, write_record
from otel_sqlite_exporter.connect.config_files import ConfigFile, read_config, replace_config
from otel_sqlite_exporter.connect.json_edits import UnreadableTextError
from otel_sqlite_exporter.connect.key_edits import FORMATS, Path, find_values, undo_keys, write_keys
from otel_sqlite_exporter.errors import ConfigurationFileError
from otel_sqlite_exporter.storage.system.system_files import alone_in


class SettingsTarget(NamedTuple):
    """Settings in a file of the format `form`, a key of `FORMATS`."""

    path: str
    form: str
    wanted: Mapping[Path, Any]


class LinesTarget(NamedTuple):
    """A block of lines; in a file of other lines, or the whole file."""

    path: str
    block: str
    is_whole: bool = False


Target = SettingsTarget | LinesTarget


class ConfigChange(NamedTuple):
    """What is to become of a file.

    Attributes:
        file: As it is.
        text: What is to stand there; None: the file is to go.
        old, new: What is and will be noted as written into it.
        changed: What somebody else has changed since it was written: it stays.
    """

    file: ConfigFile
    text: str | None
    old: ChangeRecord | None
    new: ChangeRecord | None
    changed: tuple[Path, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the file stays as it is."""
        return self.text == (None if self.file.content is None else self.file.text)


def plan_write(target: Target) -> ConfigChange:
    """Return the change that writes `target`.

    Raises:
        ConfigurationFileError: The file cannot be read, or not be changed without touching what is not ours.
    """
    file, old = read_config(target.path), read_record(target.path)
    record = old if old is not None and file.content is not None else ChangeRecord(made_file=file.content is None)
    try:
        if not _is_of(record, target):
            raise UnreadableTextError("it holds what was written for another agent: take that back, or give --file")
        if isinstance(target, SettingsTarget):
            form = FORMATS[target.form]
            text, keys = write_keys(file.text if file.text.strip() else form.empty, form, target.wanted, record.keys)
            new = record._replace(keys=keys)
        else:
            if target.is_whole and file.content is not None and file.text not in (target.block, record.block):
                raise UnreadableTextError("it is there, and somebody else has written or changed it")
            text = target.block if target.is_whole else write_block(file.text, target.block, record.block)
            is_theirs = target.is_whole and file.content is not None and record.block is None
            new = record if is_theirs else record._replace(block=target.block)
    except UnreadableTextError as error:
        raise ConfigurationFileError(f"{target.path}: {error}") from None
    return ConfigChange(file, text, old, new if new.keys.keys or new.block is not None else None)


def plan_undo(target: Target) -> ConfigChange | None:
    """Return the change that takes back what was written to the file of `target`; None: nothing was.

    Raises:
        ConfigurationFileError: The file cannot be read, or not be changed without touching what is not ours.
    """
    old = read_record(target.path)
    if old is None or not _is_of(old, target):
        return None
    file = read_config(target.path)
    if not file.text.strip():
        return ConfigChange(file, None if old.made_file or file.content is None else file.text, old, None)
    changed: list[Path] = []
    text, empty = file.text, ""
    try:
        if isinstance(target, SettingsTarget):
            form = FORMATS[target.form]
            text, changed = undo_keys(text, form, old.keys)
            empty = form.empty
        elif old.block is not None and not target.is_whole:
            text = undo_block(text, old.block)
        elif text == old.block:
            text = ""
        else:
            raise UnreadableTextError("somebody else has changed it since it was written: remove it by hand")
    except UnreadableTextError as error:
        raise ConfigurationFileError(f"{target.path}: {error}") from None
    is_left = text.strip() not in ("", empty.strip())
    return ConfigChange(file, text if is_left or not old.made_file else None, old, None, tuple(changed))


def _is_of(record: ChangeRecord, target: Target) -> bool:
    """Return whether what was written into a file, if it was anything, was written for the agent of `target`."""
    if isinstance(target, SettingsTarget):
        tables = {path[0] for path in target.wanted}
        return record.block is None and all(key.path[0] in tables for key in record.keys.keys)
    lines = target.block.splitlines()
    return not record.keys.keys and (record.block is None or record.block.splitlines()[:1] == lines[:1])


def make_change(change: ConfigChange) -> str | None:
    """Make a change; return the path of the copy of the file as it was, if there is one.

    Raises:
        ConfigurationFileError: Somebody else has changed the file meanwhile, or it cannot be written. It is as it was.
    """
    path = change.file.path
    with alone_in(os.path.dirname(path)):
        if (read_config(path).content, read_record(path)) != (change.file.content, change.old):
            raise ConfigurationFileError(f"{path} was changed meanwhile: run the command again")
        if change.new is not None:  # before the file: what was written can be taken back in any case
            write_record(path, change.new)
        try:
            copy = None if change.is_empty else replace_config(change.file, change.text)
        except ConfigurationFileError:
            write_record(path, change.old)
            raise
        if change.new is None:
            write_record(path, None)
    return copy


def find_set(profile: AgentProfile, path: str, keys: Sequence[Path]) -> list[str]:
    """Return the names of those of `keys` that the settings in the file at `path` switch on or fill; none if it cannot
    be read."""
    if profile.form not in FORMATS:
        return []
    try:
        found = find_values(read_config(path).text or FORMATS[profile.form].empty, FORMATS[profile.form], keys)
    except (ConfigurationFileError, UnreadableTextError):
        return []
    return [".".join(path) for path, value in found.items() if value not in (False, "", "0", "false")]
