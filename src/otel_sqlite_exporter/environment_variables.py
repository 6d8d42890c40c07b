# SPDX-License-Identifier: Apache-2.0
"""The names of the environment variables that configure this package, each with its own name as value.

`opentelemetry-instrument` imports this module and makes a command line option of each name in its `dir()` that begins
with `OTEL_`. The names are those of the declared settings (docs/settings.md describes them), which are imported when
somebody asks for a name.
"""

from __future__ import annotations


def __dir__() -> list[str]:
    from otel_sqlite_exporter.declarations import declared_settings, name_variable
    from otel_sqlite_exporter.metric_settings import MetricSettings
    from otel_sqlite_exporter.process_settings import EnvironmentSettings
    from otel_sqlite_exporter.processor_settings import ProcessorSettings
    from otel_sqlite_exporter.settings import Settings

    kinds = Settings, MetricSettings, ProcessorSettings, EnvironmentSettings
    return [name_variable(name) for kind in kinds for name in declared_settings(kind)]


def __getattr__(name: str) -> str:
    if name.startswith("OTEL_") and name in __dir__():
        return name
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
