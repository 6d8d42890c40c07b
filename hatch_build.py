# SPDX-License-Identifier: Apache-2.0
"""Compiles the modules of `native/` where a C compiler is, for wheels and for editable installs.

Without a compiler, the package has no compiled modules, and its Python code does their work. If there is a compiler, an
error while compiling fails the build. The environment variable OTEL_SQLITE_EXPORTER_BUILD_NATIVE decides it: with `1`,
a missing compiler is an error; with `0`, nothing is compiled.

Run as a program, it compiles the modules of a folder (default: `src`) into the folders of their sources.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SOURCES = "otel_sqlite_exporter/native"
VARIABLE = "OTEL_SQLITE_EXPORTER_BUILD_NATIVE"
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
_COMPILER_VARIABLES = (
    *("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED", "ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET"),
    "_PYTHON_HOST_PLATFORM",
)


class NativeBuildHook(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel, which then is for one Python and system only."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell hatchling the result. An editable install finds the modules beside their sources."""
        built = compile_modules(ROOT / "src") if should_compile(self.app.display_warning) else []
        if version == "editable":
            place_modules(built, ROOT / "src")
        else:
            build_data["force_include"].update({str(path): f"{SOURCES}/{path.name}" for path in built})
        build_data.update(pure_python=not built, infer_tag=bool(built))


def should_compile(say: Any = print) -> bool:
    """Return whether to compile, and `say` why not.

    Raises:
        RuntimeError: The environment asks for it, and there is no compiler; or it has another value than 0 and 1.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", "0", "1"):
        raise RuntimeError(f"{VARIABLE}={asked!r} cannot be used: give 0 or 1")
    lacking = f"{VARIABLE} is 0" if asked == "0" else find_lack()
    if lacking is None:
        return True
    if asked == "1":
        raise RuntimeError(f"the compiled core cannot be built: {lacking}")
    say(f"otel-sqlite-exporter is built without its compiled core: {lacking}")
    return False


def find_lack() -> str | None:
    """Return what is lacking to compile modules for this Python, or None; a module is compiled to find out."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it is for CPython with a global interpreter lock"
    from setuptools import Extension, errors

    with TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text('#include "Python.h"\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n', encoding="utf-8")
        try:
            _run_compiler([Extension("probe", [str(source)])], Path(folder))
        except (errors.BaseError, errors.CCompilerError, OSError):
            return "no C compiler with Python's headers"
    return None


def compile_modules(source: Path) -> list[Path]:
    """Compile all .pyx files below `source` and return the modules, which are in a folder `build` beside it.

    What has not changed since is not compiled again.

    Raises:
        Exception: A module cannot be compiled.
    """
    from Cython.Build import cythonize
    from setuptools import Extension

    made_by = [version("cython"), sys.version, *(os.environ.get(name, "") for name in _COMPILER_VARIABLES)]
    folder = source.parent / "build" / f"native-{hashlib.sha256(repr(made_by).encode()).hexdigest()[:12]}"
    # CFLAGS come before these, and could not overrule them.
    flags = [] if sys.platform == "win32" or os.environ.get("CFLAGS") else ["-O2", "-g0"]
    extensions = [
        Extension(".".join(path.relative_to(source).with_suffix("").parts), [str(path)], extra_compile_args=flags)
        for path in sorted((source / SOURCES).glob("*.pyx"))
    ]
    generate: Any = cythonize
    made = generate(extensions, include_path=[str(source)], build_dir=str(folder / "c"), quiet=True)
    return _run_compiler(made, folder)


def _run_compiler(extensions: list[Any], folder: Path) -> list[Path]:
    from setuptools.dist import Distribution

    command: Any = Distribution({"name": "native", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
    command.parallel = os.cpu_count()
    command.ensure_finalized()
    command.run()
    return [Path(path) for path in command.get_outputs()]


def place_modules(built: list[Path], source: Path) -> None:
    """Put the modules beside their sources, in place of those that were there for this Python."""
    for path in (source / SOURCES).glob(f"*{SUFFIX}"):
        path.unlink()
    for path in built:
        shutil.copy2(path, source / SOURCES)


if __name__ == "__main__":
    os.chdir(ROOT)
    source = Path(*sys.argv[1:2] or ["src"]).resolve()
    place_modules(compile_modules(source) if should_compile() else [], source)
