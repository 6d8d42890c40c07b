# SPDX-License-Identifier: Apache-2.0
"""What a build makes with a compiler, without one, and of code that cannot be compiled. Real builds of a package that
has one compiled module."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment

pytestmark = pytest.mark.slow

NATIVE = "otel_sqlite_exporter/native"
MODULE = f"{NATIVE}/built{sysconfig.get_config_var('EXT_SUFFIX')}"
REQUIRED = "OTEL_SQLITE_EXPORTER_BUILD_NATIVE"
NO_COMPILER = {"CC": "/bin/false"}
needs_compiler = pytest.mark.skipif(
    shutil.which(str(sysconfig.get_config_var("CC")).split()[0]) is None, reason="there is no C compiler"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src" / NATIVE).mkdir(parents=True)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("__init__.py", "version.py", "native/__init__.py", "native/built.pyx", "native/built.pyi"):
        shutil.copy(ROOT / "src/otel_sqlite_exporter" / name, folder / "src/otel_sqlite_exporter" / name)
    return folder


def build(project: Path, target: str = "wheel", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", "dist"],
        cwd=project,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def find_wheel(project: Path) -> tuple[str, list[str]]:
    """The tags of the one wheel that was built, and the files of `native` in it."""
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return wheel.stem.split("-", 2)[2], [name for name in archive.namelist() if name.startswith(NATIVE)]


@needs_compiler
def test_a_wheel_has_the_compiled_modules_and_the_tag_of_its_system(project: Path) -> None:
    assert build(project, **{REQUIRED: "1"}).returncode == 0
    tag, files = find_wheel(project)
    python = f"cp3{sys.version_info.minor}"
    assert tag.startswith(f"{python}-{python}-")
    assert sorted(files) == sorted([f"{NATIVE}/__init__.py", f"{NATIVE}/built.pyi", MODULE])
    assert list((project / "src").rglob("*.so")) == []


@pytest.mark.parametrize(
    ("environment", "reason"),
    [(NO_COMPILER, "no C compiler with Python's headers"), ({REQUIRED: "0"}, f"{REQUIRED} is 0")],
)
def test_a_wheel_without_them_is_for_every_python_and_one_line_says_why(
    project: Path, environment: dict[str, str], reason: str
) -> None:
    done = build(project, **environment)
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "without its compiled core" in line]
    assert reason in line
    assert find_wheel(project) == ("py3-none-any", [f"{NATIVE}/__init__.py", f"{NATIVE}/built.pyi"])


def test_a_compiler_that_is_required_and_missing_fails_the_build(project: Path) -> None:
    done = build(project, **{REQUIRED: "1"}, **NO_COMPILER)
    assert done.returncode == 1
    assert "the compiled core cannot be built: no C compiler with Python's headers" in done.stderr
    assert list(project.glob("dist/*")) == []


@needs_compiler
@pytest.mark.parametrize(
    "code", ["cdef int broken = unknown\n", 'cdef extern from "missing.h":\n    int unknown\nunknown\n']
)
def test_code_that_cannot_be_compiled_fails_the_build(project: Path, code: str) -> None:
    (project / "src" / NATIVE / "broken.pyx").write_text(code, encoding="utf-8")
    assert build(project).returncode == 1
    assert list(project.glob("dist/*")) == []


def test_an_sdist_has_the_sources_and_nothing_that_was_made_of_them(project: Path) -> None:
    assert build(project).returncode == 0
    (project / "src" / MODULE).touch()
    assert build(project, "sdist").returncode == 0
    (sdist,) = (project / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"hatch_build.py", "pyproject.toml", f"src/{NATIVE}/built.pyx"} <= names
    assert {name for name in names if name.endswith((".c", ".so", ".pyd", ".whl"))} == set()
