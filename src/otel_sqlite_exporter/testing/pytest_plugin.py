# SPDX-License-Identifier: Apache-2.0
"""The plugin of pytest: the fixture `telemetry`, budgets, and the file of a test that failed.

pytest imports it at each start where this package is installed. So it imports nothing but pytest until a test asks for
the fixture.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otel_sqlite_exporter.testing.recorded_telemetry import RecordedTelemetry

_MARKER = "telemetry_budget"
_MARKER_LINE = (
    f"{_MARKER}(cost_usd=, calls=, tools=, tokens=, failed_calls=, failed_tools=, duration_ms=): the most that the "
    "model calls and tools of the test may take; see docs/testing.md"
)
_KEEP = ("failed", "always", "never")
_recorded = pytest.StashKey["RecordedTelemetry"]()
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and settings."""
    group = parser.getgroup("telemetry", "telemetry (otel-sqlite-exporter)")
    group.addoption(
        "--telemetry-keep", choices=_KEEP, help="which files of telemetry stay after the test (default: failed)"
    )
    group.addoption(
        "--telemetry-dir", metavar="DIR", help="where these files are written (default: pytest's temporary folder)"
    )
    parser.addini("telemetry_keep", "as --telemetry-keep", default="failed")
    parser.addini("telemetry_dir", "as --telemetry-dir, below the folder of this file", default="")
    parser.addini(
        "telemetry_global",
        "record what uses the global providers of OpenTelemetry: ours is set where the application has set none",
        type="bool",
        default=True,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and check the settings."""
    config.addinivalue_line("markers", _MARKER_LINE)
    if config.getini("telemetry_keep") not in _KEEP:
        raise pytest.UsageError(f"telemetry_keep is {config.getini('telemetry_keep')!r}: give {', '.join(_KEEP)}")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a test that has a budget use the fixture."""
    names = getattr(item, "fixturenames", None)
    if names is not None and "telemetry" not in names and item.get_closest_marker(_MARKER) is not None:
        names.append("telemetry")


@pytest.fixture
def telemetry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedTelemetry]:
    """What the test records: its model calls, tools and spans, in a file of its own."""
    from otel_sqlite_exporter.testing.kept_folders import make_folder
    from otel_sqlite_exporter.testing.recorded_telemetry import RecordedTelemetry

    config = request.config
    folder = config.getoption("telemetry_dir") or config.getini("telemetry_dir")
    place = make_folder(config.rootpath / folder if folder else None, request.node.nodeid, tmp_path_factory)
    recorded = RecordedTelemetry(place / "otel.db", use_global=config.getini("telemetry_global"))
    request.node.stash[_recorded] = recorded
    yield recorded
    recorded.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Check the budget when the test has passed: then the test fails, and not its teardown."""
    outcome = yield
    recorded = item.stash.get(_recorded, None)
    if recorded is None or outcome.excinfo is not None:
        return
    for marker in item.iter_markers(_MARKER):
        try:
            if marker.args:
                raise TypeError(f"{_MARKER} takes keywords alone")
            if (doubt := recorded.check_limits(marker.kwargs)) is not None:
                item.warn(doubt)
        except (AssertionError, TypeError, ValueError, UserWarning) as error:
            outcome.force_exception(pytest.fail.Exception(str(error), pytrace=False))
            return


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Name the file in the report of a test that failed, and remove that of one that passed."""
    outcome = yield
    recorded = item.stash.get(_recorded, None)
    if recorded is None:
        return
    report = outcome.get_result()
    keep = item.config.getoption("telemetry_keep") or item.config.getini("telemetry_keep")
    if report.failed:
        item.stash[_failed] = True
        if keep != "never":
            report.sections.append(("telemetry", recorded.describe()))
    if report.when == "teardown":
        del item.stash[_recorded]
        if keep == "never" or (keep == "failed" and not item.stash.get(_failed, False)):
            recorded.remove()
