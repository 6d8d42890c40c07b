# SPDX-License-Identifier: Apache-2.0
"""Scripts, styles and templates of the page: small, from known places, and nothing that the policy would stop."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "src/otel_sqlite_exporter/server/page"
STATIC = PAGE / "static"
VENDOR = STATIC / "vendor"
TESTS_VENDOR = ROOT / "tests/browser/vendor"
MOST_SCRIPT_BYTES, MOST_PICTURE_BYTES = 60 * 1024, 150_000
HOSTS = re.compile(r"(?:https?:|wss?:|[\"'(=])//[\w.-]+[^\s\"')<]*")
NAMED_IN_COMMENTS = {"https://github.com/leeoniya/uPlot"}
NAMESPACE = "http://www.w3.org/2000/svg"
TEMPLATES = sorted((PAGE / "templates").rglob("*.html"))
OWN = sorted(file for file in STATIC.rglob("*") if file.is_file() and file.parent != VENDOR)


def _digest(file: Path) -> str:
    """The sha256 of a text, also where git writes ends of lines as those of Windows."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


@pytest.mark.parametrize("folder", [VENDOR, TESTS_VENDOR], ids=["page", "tests"])
def test_the_files_of_others_are_those_that_are_declared(folder: Path) -> None:
    packages = json.loads((folder / "vendored.json").read_text(encoding="utf-8"))
    declared = {file["to"]: file["sha256"] for package in packages for file in package["files"]}
    there = {file.name for file in folder.iterdir()} - {"vendored.json"}
    if folder == TESTS_VENDOR and not there:
        pytest.skip("an sdist does not have them: `make vendor` takes them")
    sums = {name: _digest(folder / name) for name in there}
    assert sums == declared
    for package in packages:
        assert package["integrity"].startswith("sha512-")
        assert any("LICENSE" in file["to"] for file in package["files"])


def test_the_licences_of_others_are_named_and_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8"))
    assert set(project["license"].split(" AND ")) == {"Apache-2.0"} | {package["licence"] for package in packages}
    shipped = {file for pattern in project["license-files"] for file in ROOT.glob(pattern)}
    assert shipped == {ROOT / "LICENSE", *VENDOR.glob("*LICENSE*")}


def test_all_script_together_is_small() -> None:
    sizes = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in STATIC.rglob("*.js")}
    assert sum(sizes.values()) <= MOST_SCRIPT_BYTES, sizes


@pytest.mark.parametrize("file", [*TEMPLATES, *OWN, *VENDOR.iterdir()], ids=lambda file: file.name)
def test_no_file_names_another_host(file: Path) -> None:
    named = set(HOSTS.findall(file.read_text(encoding="utf-8").replace(NAMESPACE, "")))
    assert named <= (NAMED_IN_COMMENTS if file.parent == VENDOR else set())


def test_the_docs_show_the_pictures_that_there_are() -> None:
    """`make pictures` writes them."""
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {name for file in documents for name in re.findall(r"pictures/([\w-]+\.png)\)", file.read_text("utf-8"))}
    pictures = {file.name: file.stat().st_size for file in (ROOT / "docs/pictures").iterdir()}
    assert shown == set(pictures)
    assert {name: size for name, size in pictures.items() if size > MOST_PICTURE_BYTES} == {}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_script_style_or_handler_of_its_own(template: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    tags = re.findall(r"<[a-zA-Z](?:[^>\"']|\"[^\"]*\"|'[^']*')*>", text)
    assert len(tags) >= text.count("</")
    assert [tag for tag in tags if re.search(r"\s(on\w+|style|hx-on\S*|hx-vars|srcdoc)\s*=", tag, re.IGNORECASE)] == []
    assert [tag for tag in tags if re.search(r"=\s*[\"']?\s*(javascript|js):", tag, re.IGNORECASE)] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b", text, re.IGNORECASE) == []
    assert re.findall(r"\|\s*safe\b|autoescape\s+false", text) == []
