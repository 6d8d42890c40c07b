# SPDX-License-Identifier: Apache-2.0
"""The names by which messages and their parts are known, and what every reader of them needs. Pure, except that the
names are loaded once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

Part = dict[str, Any]
Message = dict[str, Any]

NAMES = json.loads(files(__package__).joinpath("message_names.json").read_text(encoding="utf-8"))
"""Types, keys and classes by which messages and their parts are known (data: `message_names.json`)."""


class Untold(list[Part]):
    """The parts of a message whose content was not recorded: there are none."""


def first(mapping: Mapping[str, Any], *keys: str) -> Any:
    """Return the value of the first of `keys` that has one; None if none has."""
    for key in keys:
        value = mapping.get(key)
        if value is not None:
            return value
    return None


def without_none(part: Part) -> Part:
    """Return what a part tells."""
    return {key: value for key, value in part.items() if value is not None}
