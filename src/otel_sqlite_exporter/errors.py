# SPDX-License-Identifier: Apache-2.0
"""The errors of this package. Each edge maps them once: the exporter to a result and one log line, the command line to
a sentence and exit code 2. Every message says what to do next."""

from __future__ import annotations


class SQLiteExporterError(Exception):
    """Base of every error that this package raises."""


class ConfigurationError(SQLiteExporterError, ValueError):
    """A keyword argument has a value that cannot be used; the message names the argument."""


class UnsupportedSQLiteError(SQLiteExporterError):
    """The SQLite library that this Python was built with is too old."""


class FileRefusedError(SQLiteExporterError):
    """The file cannot be used as it is, and was not touched."""


class MissingFileError(FileRefusedError):
    """There is no file at `path`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class ForeignFileError(FileRefusedError):
    """The file does not belong to this package."""


class NewerFileError(FileRefusedError):
    """A newer version of this package wrote the file: this version can read it, but not write it."""


class DamagedFileError(FileRefusedError):
    """SQLite finds the file damaged."""


class InheritedFileError(FileRefusedError):
    """This process was forked without Python's fork hooks while the file was open: writing it would lose data."""


class MigrationRequiredError(FileRefusedError):
    """The file has an older schema version, and the setting `auto_migrate` does not allow an upgrade here."""


class MigrationFailedError(SQLiteExporterError):
    """A migration step failed and was rolled back: the file is at the version before that step."""


class UnknownMetricError(SQLiteExporterError):
    """A metric is of a kind that this version does not know."""


class ClosedError(SQLiteExporterError):
    """`shutdown` has closed the file for good."""


class SpoolError(SQLiteExporterError):
    """The spool beside a file cannot be used: it is not ours, of a newer version, or locked."""


class SpoolFullError(SpoolError):
    """The spool has reached its limit; the batch was not added."""


class UnreadableBatchError(SpoolError):
    """What stands in the spool is not a batch."""


class UnstorableSpanError(SQLiteExporterError):
    """A span has no valid trace id and span id, so it goes to quarantine."""


class UnreadableMarkError(SQLiteExporterError):
    """A log record in the form of a pin or a note cannot be taken as one."""


class TooMuchWorkError(SQLiteExporterError):
    """To look for patterns in a text takes too long, so the text is masked."""


class ReadTooLongError(SQLiteExporterError):
    """What was asked takes longer to read than the time that there is for it."""


class NotFoundError(SQLiteExporterError, LookupError):
    """The file has nothing with this id, or several things whose id begins with it."""


class ArgumentError(SQLiteExporterError, ValueError):
    """A call has an argument that cannot be used. `argument` is its name, and `message` says what to give. Of a text in
    a language, `position` is the number of characters before what cannot be used, and `excerpt` two lines that show
    it."""

    def __init__(self, argument: str, message: str, position: int | None = None, excerpt: tuple[str, ...] = ()) -> None:
        """`message` and `excerpt` follow the argument's name in the text of the error."""
        super().__init__("\n".join((f"{argument}: {message}", *excerpt)))
        self.argument = argument
        self.message = message
        self.position = position
        self.excerpt = excerpt


class FilterError(ArgumentError):
    """A query has an argument that cannot be used, such as a filter."""


class UnreadableSourceError(SQLiteExporterError):
    """A file to import is damaged, or its format is unknown."""


class MissingPackageError(SQLiteExporterError, ImportError):
    """An optional package is not installed. The message has the pip command."""


class ReadOnlyError(SQLiteExporterError):
    """A write was tried through a read-only interface."""


class ConfigurationFileError(SQLiteExporterError):
    """The configuration of another program cannot be read or changed, and was left as it is."""


class CopyRefusedError(SQLiteExporterError):
    """A copy of a file cannot be written as asked: it would replace something, or there is too little room."""


class DeletionRefusedError(SQLiteExporterError):
    """Nothing was deleted: what to delete is not said clearly, or was not confirmed."""


class DeletionStoppedError(SQLiteExporterError):
    """A deletion was begun and could not be completed. The next one completes it."""


class LegacyFileError(SQLiteExporterError):
    """A file of the attribute-row layout cannot be migrated as asked; it was not touched."""


class LegacyCheckError(SQLiteExporterError):
    """While migrating an attribute-row file, a check found that source and target differ."""
