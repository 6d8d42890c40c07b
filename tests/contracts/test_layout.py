# SPDX-License-Identifier: Apache-2.0
"""The layout: one name for one thing, and no package or file that is too large to keep in mind."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "src" / "otel_sqlite_exporter"
MODULES = [file for file in PACKAGE.rglob("*.py") if not file.name.startswith("__")]
MOST_FILES, MOST_LINES = 16, 310


def _repeated(names: list[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def test_a_file_name_occurs_once() -> None:
    packages = [file.parent.name for file in PACKAGE.rglob("__init__.py")]
    assert _repeated([file.stem for file in MODULES] + packages) == []


def test_a_class_name_occurs_once() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in MODULES]
    classes = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert _repeated(classes) == []


def test_the_name_of_an_sql_file_occurs_once_in_its_kind() -> None:
    for kind in ("tables", "views", "queries", "reports", "formats"):
        assert _repeated([file.name for file in (PACKAGE / "sql" / kind).rglob("*.sql")]) == []


def test_packages_and_files_stay_small() -> None:
    files = Counter(str(file.parent.relative_to(PACKAGE)) for file in MODULES)
    assert {name: count for name, count in files.items() if count > MOST_FILES} == {}
    lines = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in MODULES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    without = [file.name for file in MODULES if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))]
    assert without == []


def test_the_packages_are_those_of_the_design() -> None:
    picture = Path(ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("```")[1]
    packages = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert {name for name in packages if name not in picture} == set()


def test_a_counted_thing_has_a_singular() -> None:
    """`count` writes a number with its noun."""
    nouns = "records|spans|logs|log records|calls|tool executions|batches|sessions|traces|files|messages|steps"
    counted = re.compile(rf"(?<!of )(%d|\{{[\w.() +-]+\}}) ({nouns})\b")
    found = {(file.name, *hit) for file in MODULES for hit in counted.findall(file.read_text(encoding="utf-8"))}
    assert found == set()
