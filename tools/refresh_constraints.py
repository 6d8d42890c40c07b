# SPDX-License-Identifier: Apache-2.0
"""Writes constraints.txt: the newest versions of all packages that development uses. Run it with `make lock`.

The oldest Python that the package supports chooses them: a package that drops that Python goes on with newer versions
that cannot be installed there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
HEADER = """\
# The versions with which the checks and tests passed. pip reads them as constraints: they install nothing.
# `make lock` writes this file.
"""
PIN = re.compile(r"[\w.-]+==[\w.!+-]+")


def find_oldest_python() -> tuple[int, ...]:
    """Return the oldest Python that pyproject.toml allows, such as (3, 11)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(map(int, project["project"]["requires-python"].removeprefix(">=").split(".")))


def resolve_versions(folder: Path) -> list[str]:
    """Install everything into a new environment in `folder` and return its packages as `name==version`.

    Raises:
        CalledProcessError: pip cannot install the packages.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
    groups = [f"--group={group}" for group in project["dependency-groups"]]
    subprocess.run([*pip, "install", "--quiet", "--editable", ".", *groups], cwd=ROOT, check=True)
    freeze = [*pip, "freeze", "--all", "--exclude-editable"]
    printed = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout
    return [line for line in printed.splitlines() if PIN.fullmatch(line)]


def main() -> None:
    """Write the file, or exit with a message if this Python is too new."""
    oldest = find_oldest_python()
    if sys.version_info[:2] != oldest:
        name = "python" + ".".join(map(str, oldest))
        sys.exit(f"constraints.txt is made by the oldest Python that is supported: make lock PYTHON={name}")
    with TemporaryDirectory() as folder:
        pins = resolve_versions(Path(folder))
    CONSTRAINTS.write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"{CONSTRAINTS.name} has {len(pins)} versions now; run `make check test` before you commit it")


if __name__ == "__main__":
    main()
