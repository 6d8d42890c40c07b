# SPDX-License-Identifier: Apache-2.0
"""The OTLP receiver of the live tests keeps what it is sent as lines that `import` reads."""

from __future__ import annotations

import gzip
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from tests.conftest import make_spans, read
from tests.live.otlp_sink import OTLPSink
from tests.otlp_captures.capture_files import import_batches

JSON = b"""{"resourceLogs": [{"scopeLogs": [{"logRecords": [
  {"timeUnixNano": "1", "eventName": "asked", "traceId": "0af7651916cd43dd8448eb211c80319c"}
]}]}]}"""


def _post(url: str, content_type: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": content_type, **headers})
    with urllib.request.urlopen(request, timeout=120) as response:
        return int(response.status)


@pytest.mark.parametrize("packing", ["identity", "gzip"])
def test_protobuf_and_json_become_lines(path: Path, packing: str) -> None:
    spans = make_spans("a", "b", attributes={"number": 2**40, "bytes": b"\x00\xff"})
    pack = gzip.compress if packing == "gzip" else bytes
    with OTLPSink() as sink:
        binary = pack(encode_spans(spans).SerializeToString())
        headers = {"Content-Encoding": packing}
        assert _post(f"{sink.url}/v1/traces", "application/x-protobuf", binary, **headers) == 200
        assert _post(f"{sink.url}/v1/logs", "application/json", pack(JSON), **headers) == 200
        assert _post(f"{sink.url}/v1/metrics", "application/json", pack(b"{}"), **headers) == 200
    import_batches(path, [sink.lines])
    ids = [(f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") for span in spans if span.context]
    assert read(path, "SELECT trace_id, span_id FROM spans ORDER BY name") == ids
    assert read(path, "SELECT event_name, trace_id FROM logs") == [("asked", "0af7651916cd43dd8448eb211c80319c")]
    (attributes,) = read(path, "SELECT attributes FROM spans WHERE name = 'a'")[0]
    assert '"number":1099511627776' in attributes.replace(" ", "")
