# SPDX-License-Identifier: Apache-2.0
"""Every setting, declared once: name, type, default, parser, help, and what a bad variable does.

To add a setting, add a field to one of the classes below, or to those of the span processor (`processor_settings`),
the metric exporter (`metric_settings`) and the process (`process_settings`). If
it has a keyword, give its accepted type in the TypedDict above the class too; a test compares the two. `make settings`
writes the tables of docs/settings.md.
"""

# Without `from __future__ import annotations`: the annotations of the fields are the declarations, and as text they
# would have to be evaluated, which takes 1 ms in each process.

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict, Unpack

from otel_sqlite_exporter import parsing
from otel_sqlite_exporter.declarations import Setting, resolve
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.dialect import Dialect
from otel_sqlite_exporter.patterns import LinearPattern

SYNCHRONOUS_MODES = ("normal", "full")
AUTO_MIGRATE_MODES = ("safe", "always", "never")
CAPTURES = ("all", "metadata")
COST_MODES = ("auto", "off")
REDACTED = "[redacted]"
"""The text that replaces a masked value."""
_MASKED = f"every value is stored as {REDACTED}"
_parse_ms = parsing.number_of("milliseconds")


def mask_everything(key: str, value: Any) -> Any:
    """A redactor that masks every value."""
    return REDACTED


class SettingKeywords(TypedDict, total=False):
    """The keywords of all exporters, next to `path`, and the types that they accept. None means unset.

    All of them take JSON values, so that they serve as keys in a declarative configuration file.
    """

    session_attributes: Sequence[str] | None
    busy_timeout_ms: int | None
    synchronous: str | None
    auto_migrate: str | None
    pairing_window_ms: int | None
    spool_limit_bytes: int | None
    redact_keys: Sequence[str] | None
    redact_values: Sequence[str] | None
    redactor: Callable[[str, Any], Any] | str | None
    allow_keys: Sequence[str] | None
    capture: str | None
    capture_content: bool | None
    capture_limit: int | None
    dialects: Sequence[str] | None
    cost: str | None
    retention_days: int | str | None
    retention_bytes: int | str | None
    retention_keep_failed_days: int | str | None
    retention_users: bool | None
    metrics_raw_days: int | str | None
    metric_new_series: int | None


class Settings(NamedTuple):
    """The settings of one file, in force for an exporter, a reader or a command; `resolve_settings` makes them."""

    path: Annotated[
        str,
        Setting(
            "otel.db",
            parsing.parse_path,
            "The file. A relative path starts at the working directory where the exporter is made; `~` is the home "
            "folder. Missing folders are created.",
        ),
    ]
    session_attributes: Annotated[
        tuple[str, ...],
        Setting(
            DEFAULT_SESSION_ATTRIBUTES,
            parsing.parse_sources,
            "Attributes that name the session of a span or log record, the strongest first; also `name#key` and "
            "`other&name`: see docs/sessions.md#sources. In the variable they are separated by commas.",
        ),
    ]
    busy_timeout_ms: Annotated[
        int, Setting(5_000, _parse_ms, "The longest time, in milliseconds, that an export waits for other writers.")
    ]
    synchronous: Annotated[
        str,
        Setting(
            "normal",
            parsing.one_of(SYNCHRONOUS_MODES),
            "`normal`: a batch that `export` accepted survives the end of the process. `full`: it also survives a "
            "power failure, but each export waits for the disk.",
        ),
    ]
    auto_migrate: Annotated[
        str,
        Setting(
            "safe",
            parsing.one_of(AUTO_MIGRATE_MODES),
            "Which upgrade steps the exporter may apply to an older file: `safe` (quick ones that only add), `always` "
            "or `never`. See docs/migrations.md.",
        ),
    ]
    pairing_window_ms: Annotated[
        int,
        Setting(
            300_000,
            _parse_ms,
            "The longest time, in milliseconds, between a start and a finish that are paired only by time. See "
            "docs/pairs.md.",
        ),
    ]
    spool_limit_bytes: Annotated[
        int,
        Setting(
            64 * 1024 * 1024,
            parsing.number_of("bytes", largest=2**63 - 1),
            "The largest size, in bytes, of the spool beside a file that cannot be written; `0` means no spool. See "
            "docs/operations.md#the-spool.",
        ),
    ]
    redact_keys: Annotated[
        tuple[str, ...],
        Setting(
            (),
            parsing.parse_globs,
            "Patterns such as `*password*` for keys, in upper or lower case. The value of a matching key is stored as "
            f"`{REDACTED}`. In the variable they are separated by commas. For this and the next six, see "
            "docs/operations.md#privacy.",
        ),
    ]
    redact_values: Annotated[
        tuple[LinearPattern, ...] | None,  # None, the closed value: the patterns are invalid, all values are masked
        Setting(
            (),
            parsing.parse_patterns,
            f"Regular expressions of RE2. Each match in any text is stored as `{REDACTED}`. In the variable, each line "
            "is one expression. Needs `pip install 'otel-sqlite-exporter[redact]'`.",
            (None, _MASKED),
        ),
    ]
    redactor: Annotated[
        Callable[[str, Any], Any] | None,
        Setting(
            None,
            parsing.parse_function,
            "A function that gets the key and the value of an attribute, and returns the value to store; or its name: "
            "`module:function`.",
            (mask_everything, _MASKED),
        ),
    ]
    allow_keys: Annotated[
        tuple[str, ...],
        Setting(
            (),
            parsing.parse_globs,
            "Patterns as in `redact_keys`. If there are any, only attributes with a matching key are stored. In the "
            "variable they are separated by commas.",
        ),
    ]
    capture: Annotated[
        str,
        Setting(
            "all",
            parsing.one_of(CAPTURES),
            "`metadata`: only numbers, models, names and ids are stored, and attributes that `allow_keys` matches.",
            ("metadata", "only metadata is stored"),
        ),
    ]
    capture_content: Annotated[
        bool,
        Setting(
            True,
            parsing.parse_flag,
            "`false`: prompts, completions, tool arguments, tool results and documents are not stored. Numbers, "
            "models, names and ids are.",
            (False, "no content is stored"),
        ),
    ]
    capture_limit: Annotated[
        int | None,
        Setting(
            None,
            parsing.optional(parsing.number_of("characters", smallest=1)),
            "The longest text that is stored whole, in characters. A longer text is cut, and its length is stored.",
        ),
    ]
    dialects: Annotated[
        tuple[Dialect, ...],
        Setting(
            (),
            parsing.parse_dialects,
            "Paths of JSON files, each with a dialect of your own: see docs/dialects.md#a-dialect-of-your-own. In the "
            "variable they are separated by commas.",
        ),
    ]
    cost: Annotated[
        str,
        Setting(
            "auto",
            parsing.one_of(COST_MODES),
            "`auto`: with the extra `cost`, calls that report no cost are priced as they are written. `off`: they are "
            "not. See docs/cost.md.",
        ),
    ]
    retention_days: Annotated[
        float | None,
        Setting(
            None,
            parsing.optional(parsing.parse_days),
            "Whatever ended more than so many days ago is removed from the file, and daily sums of its usage are kept. "
            "Also an age such as `36h`, of a day or more. For this and the next three, see docs/retention.md.",
            (None, "nothing is removed by its age"),
        ),
    ]
    retention_bytes: Annotated[
        int | None,
        Setting(
            None,
            parsing.optional(parsing.parse_size),
            "The largest size of the file, such as `2GiB` or `500MB`, or a number of bytes. Where it is larger, what "
            "is oldest is removed.",
            (None, "nothing is removed because of the size"),
        ),
    ]
    retention_keep_failed_days: Annotated[
        float | None,
        Setting(
            None,
            parsing.optional(parsing.parse_days),
            "What failed is not removed until it ended so many days ago. Also an age such as `12w`.",
            (parsing.MOST_DAYS, "nothing that failed is removed"),
        ),
    ]
    retention_users: Annotated[
        bool, Setting(False, parsing.parse_flag, "`true`: the daily sums of what was removed name users.")
    ]
    metrics_raw_days: Annotated[
        float | None,
        Setting(
            None,
            parsing.optional(parsing.parse_days),
            "Data points of metrics that are older than so many days become one a series and hour. Also an age such as "
            "`36h`, of a day or more. See docs/retention.md#metrics.",
            (None, "all data points stay"),
        ),
    ]
    metric_new_series: Annotated[
        int,
        Setting(
            10_000,
            parsing.number_of("series"),
            "The most new series of metrics that a day (UTC) may bring to the file. Points of further ones are not "
            "stored, and counted: see docs/metrics.md#too-many-series.",
        ),
    ]


WHOLE_RECORDS: Mapping[str, Any] = {
    "redact_keys": (),
    "redact_values": (),
    "redactor": None,
    "allow_keys": (),
    "capture": "all",
    "capture_content": True,
    "capture_limit": None,
}
"""The settings with which records are stored as they come: those that were redacted before are not redacted again."""


def resolve_settings(path: str | os.PathLike[str] | None = None, **keywords: Unpack[SettingKeywords]) -> Settings:
    """Return the settings in force; None means unset.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
        TypeError: A keyword is not a setting.
    """
    return resolve(Settings, path=path, **keywords)
