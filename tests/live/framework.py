# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of a framework, which exports over OTLP; for the environment that holds the framework.

python -m tests.live.framework NAME ENDPOINT

prints what the scenarios were about.
"""

from __future__ import annotations

import json
import os
import sys

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.scenarios.packages import LIVE_PACKAGES
from tests.scenarios.run import run_scenarios


def main(name: str, endpoint: str) -> None:
    framework = LIVE_PACKAGES[name]
    os.environ.update(framework.environment)
    spans = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"))
    logs = BatchLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs"))
    scenarios = run_scenarios(framework, spans, logs)
    about = ("ledger", "told", "tool_runs")
    print(json.dumps({called: {key: scenario[key] for key in about} for called, scenario in scenarios.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
