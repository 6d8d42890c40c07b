# SPDX-License-Identifier: Apache-2.0
"""Rows of what records come from: one NamedTuple for each table, in the order of its columns."""

from __future__ import annotations

from typing import NamedTuple


class ResourceRow(NamedTuple):
    """Columns of `_resources` after `id`."""

    digest: str
    service_name: str
    schema_url: str
    attribute_types: str | None
    attributes: str


class ScopeRow(NamedTuple):
    """Columns of `_scopes` after `id`."""

    digest: str
    name: str
    version: str | None
    schema_url: str
    attribute_types: str | None
    attributes: str
