# SPDX-License-Identifier: Apache-2.0
"""Matches texts with patterns of dialects. Pure.

In a pattern `*` stands for any text, also for none. `{name}` does so too, and is the name of the agent or tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WILD = re.compile(r"(\*|\{name\})")
_AS_REGEX = {"*": ".*", "{name}": "(?P<name>.*)"}


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern; its group `name`, if it has one, is the name of the agent or tool."""
    return re.compile("".join(_AS_REGEX.get(part, re.escape(part)) for part in _WILD.split(pattern)), re.DOTALL)


def find_globs(meanings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a map whose `get` knows the patterns among the keys: the same map if there are none."""
    return GlobMap(meanings) if any("*" in key and key != "*" for key in meanings) else meanings


class GlobMap(dict[str, Any]):
    """A map whose keys may be patterns. A key that is the text itself comes first, then the patterns in their order.
    The key `*` alone is no pattern: whoever asks gives it as the default."""

    def __init__(self, meanings: Mapping[str, Any]) -> None:
        super().__init__(meanings)
        self._globs = [(compile_glob(key), meaning) for key, meaning in meanings.items() if "*" in key and key != "*"]

    def get(self, text: Any, default: Any = None) -> Any:
        """Return the meaning of `text`, or `default`."""
        if text in self:
            return super().get(text, default)
        return next((meaning for glob, meaning in self._globs if glob.fullmatch(text)), default)
