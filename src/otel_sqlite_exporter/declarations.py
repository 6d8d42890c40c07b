# SPDX-License-Identifier: Apache-2.0
"""The declaration of a setting, and how the value in force is found.

A keyword wins over its environment variable, which wins over the default. A bad keyword raises, because its author
sees the error. A bad variable logs a warning, because an exporter that raises would disable all of
auto-instrumentation. Then the default is used; where that would store more than was meant, the closed value is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from otel_sqlite_exporter.errors import ConfigurationError

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


class Setting(NamedTuple):
    """The declaration of one setting, in the annotation of a field of the same name.

    Attributes:
        default: The value without keyword and variable, before it is parsed.
        parse: From a JSON value or text to the value of the field. Raises a ValueError that says what to give.
        help: Sentences for the documentation; `docs/PAGE.md` in them becomes a link.
        closed: The value that a bad variable gives instead of the default, and the words for its effect.
    """

    default: Any
    parse: Callable[[Any], Any]
    help: str
    closed: tuple[Any, str] | None = None

    def describe(self) -> str:
        """Return `help`, and what a bad variable does where the default is not used."""
        return self.help if self.closed is None else f"{self.help} If the variable is invalid, {self.closed[1]}."

    def describe_default(self) -> str:
        """Return the default in a few words."""
        if self.default is None or self.default == ():
            return "none"
        if isinstance(self.default, tuple):
            return f"{len(self.default)} names"
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


class BadVariable(NamedTuple):
    """An environment variable that cannot be used: why, and what is in force instead. Both are without an end."""

    what: str
    effect: str

    @classmethod
    def describe(cls, name: str, setting: Setting, text: str, error: ValueError) -> BadVariable:
        """Describe the variable of the setting `name`, which has this text."""
        what = f"{name_variable(name)}={text!r} cannot be used: {error}"
        if setting.closed is None:
            return cls(what, f"The default is used: {setting.describe_default()}")
        return cls(what, f"Until it is corrected, {setting.closed[1]}")


def declared_settings(kind: type[Any]) -> dict[str, Setting]:
    """Return the declarations in the annotations of the class `kind`, by name."""
    return {name: annotation.__metadata__[0] for name, annotation in kind.__annotations__.items()}


def name_variable(setting: str) -> str:
    """Return the name of the environment variable of a setting."""
    return f"OTEL_EXPORTER_SQLITE_{setting.upper()}"


def check_keywords(keywords: Iterable[str], *kinds: type[Any]) -> None:
    """Raise a TypeError if a keyword is not a setting of one of the classes `kinds`."""
    declared = [name for kind in kinds for name in declared_settings(kind)]
    for keyword in keywords:
        if keyword not in declared:
            raise TypeError(f"unexpected keyword argument {keyword!r}: give one of {', '.join(declared)}")


def resolve(kind: type[_T], **keywords: Any) -> _T:
    """Return the settings in force of the class `kind`; a keyword that is None is unset.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
        TypeError: A keyword is not a setting.
    """
    check_keywords(keywords, kind)
    declared = declared_settings(kind)
    return kind(**{name: _resolve(name, setting, keywords.get(name)) for name, setting in declared.items()})


def _resolve(name: str, setting: Setting, value: Any) -> Any:
    if value is not None:
        try:
            return setting.parse(value)
        except ValueError as error:
            raise ConfigurationError(f"{name}={value!r} cannot be used: {error}") from None
    # OpenTelemetry's specification: an empty environment variable is unset.
    text = os.environ.get(name_variable(name), "").strip()
    if text:
        try:
            return setting.parse(text)
        except ValueError as error:
            bad = BadVariable.describe(name, setting, text, error)
            _logger.warning("%s. %s.", bad.what, bad.effect)
            if setting.closed is not None:
                return setting.closed[0]
    return setting.parse(setting.default)


def find_bad_variables(kind: type[Any]) -> Iterator[BadVariable]:
    """Yield the environment variables of this process that cannot be used for the settings of the class `kind`."""
    for name, setting in declared_settings(kind).items():
        text = os.environ.get(name_variable(name), "").strip()
        try:
            if text:
                setting.parse(text)
        except ValueError as error:
            yield BadVariable.describe(name, setting, text, error)
