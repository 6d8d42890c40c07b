# SPDX-License-Identifier: Apache-2.0
"""Takes the scripts that others wrote from their npm packages: those of the page, and axe-core for its tests.

Run it with `make vendor`; it needs npm. Each folder of `FOLDERS` has a `vendored.json` that says what it holds: the
packages with their versions, licences and the digest that npm gives them, and the files with their sha256. To take
another version, write it there and empty its `integrity`: the program fills in what is empty, and refuses what differs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "src/otel_sqlite_exporter/server/page/static/vendor", ROOT / "tests/browser/vendor")
DECLARATION = "vendored.json"


def main() -> None:
    """Write the files of all folders, and complete their declarations."""
    for folder in FOLDERS:
        declaration = folder / DECLARATION
        packages = json.loads(declaration.read_text(encoding="utf-8"))
        for package in packages:
            take_package(package, folder)
        declaration.write_text(json.dumps(packages, indent=2) + "\n", encoding="utf-8", newline="\n")


def take_package(package: dict[str, Any], folder: Path) -> None:
    """Write the files of a package into `folder`, and their sums into its declaration.

    Raises:
        SystemExit: It is not the package that was declared.
    """
    name = f"{package['package']}@{package['version']}"
    with TemporaryDirectory() as place:
        packed = subprocess.run(["npm", "pack", "--json", name], cwd=place, check=True, capture_output=True, text=True)
        path = Path(place, json.loads(packed.stdout)[0]["filename"])
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        integrity = f"sha512-{digest}"
        if package["integrity"] not in ("", integrity):
            raise SystemExit(f"{name} is {integrity}, and {package['integrity']} is declared: find out why")
        is_new = not package["integrity"]
        package["integrity"] = integrity
        with tarfile.open(path) as archive:
            for file in package["files"]:
                member = archive.extractfile(f"package/{file['from']}")
                assert member is not None
                content = member.read()
                write_file(folder / file["to"], content, file, is_new=is_new)


def write_file(path: Path, content: bytes, file: dict[str, str], *, is_new: bool) -> None:
    """Write one file, whose sum must be the declared one, unless its package is new."""
    digest = hashlib.sha256(content).hexdigest()
    if not is_new and file["sha256"] not in ("", digest):
        raise SystemExit(f"{path.name} has the sha256 {digest}, and {file['sha256']} is declared: find out why")
    file["sha256"] = digest
    path.write_bytes(content)


if __name__ == "__main__":
    main()
