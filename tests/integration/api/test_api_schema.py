# SPDX-License-Identifier: Apache-2.0
"""schemathesis asks the API what openapi.json allows and what it does not: each answer is as declared, none is 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from otel_sqlite_exporter.server.api.openapi_document import make_document
from tests.api_server import ApiClient, asking
from tests.sample_traces import write_traces

CONFIG = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
schema = schemathesis.openapi.from_dict(json.loads(make_document()), config=CONFIG).exclude(path="/stream")
CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, unsupported_method),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    with asking(write_traces(tmp_path_factory.mktemp("schema") / "otel.db")) as client:
        yield client


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=6)
def test_every_answer_is_as_declared(case: schemathesis.Case[Any], client: ApiClient) -> None:
    response = case.call(base_url=client.url, timeout=60)
    case.validate_response(response, checks=CHECKS)
