# SPDX-License-Identifier: Apache-2.0
"""Everything this package raises on purpose. Each edge maps the tree once: the exporter to a result and one log line,
the command line to a sentence and exit code 2. Every message says what to do next."""

from __future__ import annotations


class SQLiteExporterError(Exception):
    """Base of every error that this package raises."""


class ConfigurationError(SQLiteExporterError, ValueError):
    """A keyword argument has a value that cannot be used; the message names the argument."""


class UnsupportedSQLiteError(SQLiteExporterError):
    """The SQLite library that this Python was built with is too old."""


class FileRefusedError(SQLiteExporterError):
    """The file cannot be used as it is, and was not touched."""


class ForeignFileError(FileRefusedError):
    """The file is no file of this package."""


class NewerFileError(FileRefusedError):
    """The file was written by a newer version of this package: it may be read, not written."""


class DamagedFileError(FileRefusedError):
    """SQLite finds the file damaged."""


class InheritedFileError(FileRefusedError):
    """This process was forked, past Python's fork hooks, while the file was open: writing it would lose data."""


class MigrationRequiredError(FileRefusedError):
    """The file has an older schema version, and the `auto_migrate` setting does not allow to upgrade it here."""


class MigrationFailedError(SQLiteExporterError):
    """A migration step failed and was rolled back: the file is at the version before that step."""


class ClosedError(SQLiteExporterError):
    """The file was closed for good by `shutdown`."""


class SpoolError(SQLiteExporterError):
    """The spool beside a file cannot be used: it is none of ours, of a newer version, or locked."""


class SpoolFullError(SpoolError):
    """The spool has reached its limit; the batch was not added."""


class UnstorableSpanError(SQLiteExporterError):
    """A span lacks what its row needs (a valid trace id and span id); it goes to quarantine."""


class NotFoundError(SQLiteExporterError, LookupError):
    """The file holds nothing by this id; or, where the beginning of an id was given, more than one thing."""


class FilterError(SQLiteExporterError, ValueError):
    """What was asked for cannot be asked: `argument` is the name of the keyword, and the message says what to give."""

    def __init__(self, argument: str, message: str) -> None:
        """`message` follows the argument's name in the text of the error."""
        super().__init__(f"{argument}: {message}")
        self.argument = argument


class UnreadableSourceError(SQLiteExporterError):
    """A file to be imported is damaged, or of no format that is known."""


class MissingPackageError(SQLiteExporterError, ImportError):
    """A package that is not installed with this one is needed; the message has the command that installs it."""


class ReadOnlyError(SQLiteExporterError):
    """Something was to be written through what only reads."""


class LegacyFileError(SQLiteExporterError):
    """A file of the attribute-row layout cannot be migrated as asked; it was not touched."""


class LegacyCheckError(SQLiteExporterError):
    """A stage of a migration of an attribute-row file found that source and target differ."""
