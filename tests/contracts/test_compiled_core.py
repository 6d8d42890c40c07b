# SPDX-License-Identifier: Apache-2.0
"""The compiled core is the one that was asked for, and the package works where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path

import pytest

from otel_sqlite_exporter.native.core_state import FAILS_TO_LOAD, IN_USE, NOT_BUILT, SWITCHED_OFF
from tests.conftest import CORE_IS_REQUIRED, CORE_SETTING, CORE_STATE, CORE_VARIABLE, clean_environment, modules_after

pytestmark = pytest.mark.core

FIND = "from otel_sqlite_exporter.native import core_state as core; print(core.find_core_state())"


def find_state(prelude: str = "", **environment: str) -> tuple[str, str]:
    """The state in a new process, after the statements `prelude`, and what was written to stderr."""
    program = [sys.executable, "-c", f"{prelude}\n{FIND}"]
    done = subprocess.run(program, env=clean_environment(**environment), capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n"), done.stderr


def test_the_tests_run_with_the_core_that_was_asked_for() -> None:
    if CORE_SETTING.get(CORE_VARIABLE) == "false":
        assert CORE_STATE == SWITCHED_OFF
    else:
        assert CORE_STATE in ([IN_USE] if CORE_IS_REQUIRED else [IN_USE, NOT_BUILT])


def test_the_setting_switches_it_off() -> None:
    assert find_state(**{CORE_VARIABLE: "false"}) == (SWITCHED_OFF, "")
    loaded = modules_after(f"import os; os.environ['{CORE_VARIABLE}'] = 'false'\n{FIND}")
    assert {name for name in loaded if name.startswith("otel_sqlite_exporter.native.")} == {
        "otel_sqlite_exporter.native.core_state"
    }


def find_state_of(folder: Path) -> tuple[str, str]:
    """The state where the modules of `native` are those of `folder`."""
    put = f"from otel_sqlite_exporter.native import core_state, __path__ as path; path[:] = [{str(folder)!r}]"
    return find_state(put, **{CORE_VARIABLE: "true"})


def test_a_package_without_it_says_so(tmp_path: Path) -> None:
    assert find_state_of(tmp_path) == (NOT_BUILT, "")


@pytest.mark.parametrize("content", [b"", b"built for another system"])
def test_one_that_cannot_be_loaded_is_not_used_and_named(tmp_path: Path, content: bytes) -> None:
    Path(tmp_path, f"built{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(content)
    state, warning = find_state_of(tmp_path)
    assert state == FAILS_TO_LOAD
    assert "the compiled core cannot be loaded, the Python code is used: " in warning


@pytest.mark.skipif(CORE_STATE != IN_USE, reason="the core is not in use")
@pytest.mark.parametrize("lost", ["span_encoder", "json_text"])
@pytest.mark.parametrize("content", [None, b"cut"])
def test_one_that_lost_a_module_is_not_used_and_named(tmp_path: Path, lost: str, content: bytes | None) -> None:
    """As an installation leaves it that was interrupted."""
    native = Path(str(import_module("otel_sqlite_exporter.native.built").__file__)).parent
    for module in native.iterdir():
        if module.is_file() and not module.name.startswith(f"{lost}."):
            shutil.copy(module, tmp_path)
        elif content is not None and module.suffix in (".so", ".pyd"):
            Path(tmp_path, module.name).write_bytes(content)
    state, warning = find_state_of(tmp_path)
    assert state == FAILS_TO_LOAD
    assert "the compiled core cannot be loaded, the Python code is used: " in warning


def test_it_is_built_for_the_address_sanitizer_where_that_runs() -> None:
    if CORE_STATE == IN_USE:
        is_sanitized = import_module("otel_sqlite_exporter.native.built").IS_SANITIZED
        assert is_sanitized == ("libasan" in os.environ.get("LD_PRELOAD", ""))


def test_asking_for_it_imports_neither_the_sdk_nor_a_database() -> None:
    loaded = {name.partition(".")[0] for name in modules_after(FIND)}
    assert loaded & {"opentelemetry", "sqlite3", "rich"} == set()
