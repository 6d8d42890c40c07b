# SPDX-License-Identifier: Apache-2.0
"""What developers rely on agrees: the guides, the Makefile, the workflows, and the versions in pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
GUIDES = ["CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PATH = re.compile(r"[\w.-]+/|[\w./-]+/[\w.-]*|[\w-]+\.(?:md|py|sql|json|toml|txt|yml)")
PLACEHOLDER = re.compile(r"NAME|NNNN")


def find_steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_files_that_a_guide_names_exist(guide: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / guide).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = [code for code in re.findall(r"`([^`]+)`", text.replace("\n", " ")) if PATH.fullmatch(code)]
    folders = ROOT, ROOT / "src/otel_sqlite_exporter", WORKFLOWS[0].parent
    for name in named:
        path = name.rpartition("/")[0] if PLACEHOLDER.search(name) else name
        assert any((folder / path).exists() for folder in folders) or path.startswith(".venv"), name
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert [link for link in links if not link.startswith("../../security/") and not (ROOT / link).exists()] == []
    assert named + links


@pytest.mark.parametrize("guide", GUIDES)
def test_the_targets_that_a_guide_names_exist(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    commands = re.findall(r"(?:^|`)make ([a-z ]+?)(?= [A-Z]|`|$)", text, re.MULTILINE)
    assert {target for command in commands for target in command.split()} <= TARGETS


def test_make_help_lists_every_target() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS
    assert set(re.findall(r"^([a-z]+):.* ## \w", MAKEFILE, re.MULTILINE)) == TARGETS
    if shutil.which("make"):
        printed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        assert set(re.findall(r"^  ([a-z]+) ", printed, re.MULTILINE)) == TARGETS


def test_the_versions_of_python_agree() -> None:
    classifiers = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    assert jobs["linux"]["strategy"]["matrix"]["python"] == classifiers
    others = jobs["other-systems"]["strategy"]["matrix"]
    assert others["python"] == [classifiers[0], classifiers[-1]]
    assert [system.partition("-")[0] for system in others["system"]] == ["macos", "windows"]
    oldest = classifiers[0]
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    for document in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} or newer" in (ROOT / document).read_text(encoding="utf-8")


def test_the_oldest_versions_are_tested() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]["oldest"][
        "steps"
    ]
    (install,) = [step["run"] for step in steps if "--editable" in step.get("run", "")]
    oldest = {requirement.replace(">=", "==") for requirement in PROJECT["project"]["dependencies"]}
    assert set(install.split("--editable . ")[1].split()) == oldest
    for path in re.findall(r"tests/\S+", "\n".join(step.get("run", "") for step in steps)):
        assert (ROOT / path).exists()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_a_workflow_pins_its_actions_and_may_only_read(workflow: Path) -> None:
    steps = find_steps(workflow)
    assert steps
    for step in steps:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))
    document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert document["permissions"] in ({}, {"contents": "read"})
    rights = {name: job["permissions"] for name, job in document["jobs"].items() if "permissions" in job}
    writing = {name for name, given in rights.items() if "write" in given.values()}
    assert writing <= {"publish"}


def test_the_constraints_pin_every_package_that_is_named_and_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==\d[\w.!]*", line)] == []
    named = [one for group in PROJECT["dependency-groups"].values() for one in group if isinstance(one, str)]
    named += PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    wanted = {normalize(re.split(r"[\[<>=;]", requirement)[0]) for requirement in named}
    assert wanted - {normalize(line.partition("==")[0]) for line in pins} == set()


def test_what_builds_the_package_is_in_the_environment_too() -> None:
    assert PROJECT["dependency-groups"]["native"] == PROJECT["build-system"]["requires"]


def test_the_compiled_core_is_built_for_every_python() -> None:
    classifiers = re.findall(r"Python :: 3\.(\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert PROJECT["tool"]["cibuildwheel"]["build"] == [f"cp3{minor}-*" for minor in classifiers]


def normalize(name: str) -> str:
    """The name of a package as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
