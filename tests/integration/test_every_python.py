# SPDX-License-Identifier: Apache-2.0
"""Each supported Python of this machine, with the base dependencies alone: it imports every module, and runs the
program and the commands of the README. The terminal summary names the Pythons that ran."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment, read

IMPORTS = """
import importlib, pkgutil, platform, sqlite3, otel_sqlite_exporter as package
found = pkgutil.walk_packages(package.__path__, "otel_sqlite_exporter.", onerror=lambda name: None)
modules = [module.name for module in found]
lacking = set()
for name in modules:
    try:
        importlib.import_module(name)
    except ImportError as error:
        says_how = "pip install" in str(error)
        lacking.update([] if says_how else [(error.name or name).partition(".")[0]])
print(len(modules), *sorted(lacking))
print("Python", platform.python_version(), "SQLite", sqlite3.sqlite_version)
"""
EXTRAS = {
    "google",
    "jinja2",
    "markupsafe",
    "nh3",
    "pytest",
    "starlette",
    "uvicorn",
    "h11",
    "anyio",
    "sse_starlette",
    "prometheus_client",
    "lark",
    "grpc",
    "mcp",
}
"""Packages that extras bring, as they are imported: modules may lack these alone, or say how to install one."""
COMMAND = re.compile(r"^(?:\$ )?python (-m otel_sqlite_exporter .*)$", re.MULTILINE)


@cache
def find_pythons() -> dict[str, str]:
    """The path of one interpreter for each minor version from 3.11 on, on PATH or installed by pyenv."""
    wanted = {f"3.{minor}" for minor in range(11, 20)}
    on_path = [shutil.which(f"python{version}") for version in sorted(wanted)]
    installed = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin/python3.*"))
    found: dict[str, str] = {f"3.{sys.version_info.minor}": sys.executable}
    for python in [*filter(None, on_path), *map(str, installed)]:
        version = Path(python).name.removeprefix("python")
        if version in wanted and version not in found:
            code = "import sys, sqlite3, pip; print('3.%d' % sys.version_info.minor)"
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout.strip() == version:
                found[version] = python
    return found


def test_the_summary_says_which_pythons_are_here(record_property: Callable[[str, object], None]) -> None:
    record_property("found", ", ".join(sorted(find_pythons(), key=lambda version: int(version[2:]))))
    assert f"3.{sys.version_info.minor}" in find_pythons()


def base_dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


@pytest.mark.slow
@pytest.mark.parametrize("version", find_pythons())
def test_it_imports_every_module_and_runs_the_readme(
    tmp_path: Path, version: str, record_property: Callable[[str, object], None]
) -> None:
    python = find_pythons()[version]
    packages = tmp_path / "packages"
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
    install = [python, "-m", "pip", "install", *options, "--constraint", str(ROOT / "constraints.txt")]
    done = subprocess.run(
        [*install, "--target", str(packages), *base_dependencies()],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        record_property("did not run", version)
        pytest.skip(f"the dependencies cannot be installed for {version}: {done.stderr.splitlines()[-1]}")

    # Not the packages of the environment that runs the tests.
    environment = clean_environment(PYTHONPATH=f"{packages}{os.pathsep}{ROOT / 'src'}", PYTHONNOUSERSITE="1")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [python, "-S", "-W", "error", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
        assert (done.returncode, said) == (0, []), arguments
        return done.stdout

    counted, ran = run("-c", IMPORTS).splitlines()
    modules, *lacking = counted.split()
    assert int(modules) > 100
    assert set(lacking) - EXTRAS == set()

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = re.findall(
        r"```python\n((?:import sqlite3|from opentelemetry.metrics).*?)```.*?```text output\n(.*?)```",
        readme,
        re.DOTALL,
    )
    assert len(programs) == 2
    for program, output in programs:
        assert run("-c", program) == output
    ((trace_id,),) = read(tmp_path / "otel.db", "SELECT trace_id FROM traces")
    commands = [shlex.split(command, comments=True) for command in COMMAND.findall(readme)]
    # `serve` needs an extra and does not end; `connect` says where things belong, on stderr.
    commands = [command for command in commands if not {"serve", "connect"} & {*command}]
    assert len(commands) >= 8
    for command in commands:
        run(*(trace_id if re.fullmatch("[0-9a-f]{8}", word) else word for word in command))
    record_property("ran", f"{ran}, {modules} modules, {len(commands)} commands of the README")
