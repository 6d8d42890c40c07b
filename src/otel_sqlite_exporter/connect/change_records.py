# SPDX-License-Identifier: Apache-2.0
"""What was written into a configuration, in a file beside it, so that it can be taken back."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect.config_files import read_config, replace_config
from otel_sqlite_exporter.connect.key_edits import Path, WrittenKey, WrittenKeys
from otel_sqlite_exporter.errors import ConfigurationFileError

_SUFFIX = ".otel-sqlite-exporter.json"
_VERSION = 1


class ChangeRecord(NamedTuple):
    """What was written into one file.

    Attributes:
        made_file: Whether the file was not there before.
        keys: Values, in a file of settings.
        block: Lines, in a file of lines; or all of a file that is ours alone.
    """

    made_file: bool = False
    keys: WrittenKeys = WrittenKeys()
    block: str | None = None


def read_record(path: str) -> ChangeRecord | None:
    """Return what was written into the file at `path`; None if nothing was.

    Raises:
        ConfigurationFileError: The record cannot be read.
    """
    file = read_config(path + _SUFFIX)
    if file.content is None:
        return None
    try:
        held = json.loads(file.content)
        if held["version"] != _VERSION:
            raise ConfigurationFileError(f"{file.path} is of a newer version of this package: use that version")
        keys = tuple(
            WrittenKey(_check_path(key["path"]), key["value"], _check_text(key["before"])) for key in held["keys"]
        )
        made = tuple(map(_check_path, held["made"]))
        return ChangeRecord(bool(held["made_file"]), WrittenKeys(keys, made), _check_text(held["block"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigurationFileError(
            f"{file.path}, which says what was written, is damaged: remove it, and what it names, by hand"
        ) from None


def _check_path(value: Any) -> Path:
    if not isinstance(value, list) or not value or not all(isinstance(key, str) for key in value):
        raise TypeError
    return tuple(value)


def _check_text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError
    return value


def write_record(path: str, record: ChangeRecord | None) -> None:
    """Keep what was written into the file at `path`; None: nothing is written there any more.

    Raises:
        ConfigurationFileError: The record cannot be written.
    """
    file = read_config(path + _SUFFIX)
    if record is None:
        if file.content is not None:
            os.unlink(file.path)
        return
    held: dict[str, Any] = {
        "version": _VERSION,
        "made_file": record.made_file,
        "keys": [key._asdict() for key in record.keys.keys],
        "made": record.keys.made,
        "block": record.block,
    }
    text = json.dumps(held, indent=1) + "\n"
    if text.encode() != file.content:
        replace_config(file, text, keep_copy=False)
