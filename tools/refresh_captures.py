# SPDX-License-Identifier: Apache-2.0
"""Writes tests/captures/*.json anew, what instrumentation packages record of real calls. Run it with `make captures`.

python tools/refresh_captures.py [NAME ...]

Each package gets an environment of its own in a temporary folder, with the newest versions that its requirements
allow. The calls go to a server on the loopback address; only the installs need a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT / "tests/captures"

sys.path.insert(0, str(ROOT))

from tests.scenarios.packages import PACKAGES, Package  # noqa: E402


def refresh_capture(name: str, package: Package, folder: Path) -> None:
    """Install a package into `folder` and write its capture.

    Raises:
        CalledProcessError: The package cannot be installed, or a scenario failed.
    """
    venv.create(folder, with_pip=True)
    python = str(folder / "bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "opentelemetry-sdk", *package.requirements], check=True)
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "OPENAI_"))}
    command = [python, "-m", "tests.scenarios", name, str(CAPTURES / f"{name}.json")]
    subprocess.run(command, cwd=ROOT, env=settings, check=True)


def main(names: list[str]) -> None:
    """Refresh these captures, or all."""
    unknown = set(names) - set(PACKAGES)
    if unknown:
        sys.exit(f"no such capture: {', '.join(sorted(unknown))}; there are {', '.join(PACKAGES)}")
    failed = []
    for name in names or PACKAGES:
        with TemporaryDirectory(prefix="captures-") as folder:
            try:
                refresh_capture(name, PACKAGES[name], Path(folder))
                print(f"wrote {CAPTURES / name}.json", flush=True)
            except subprocess.CalledProcessError:
                failed.append(name)
    if failed:
        sys.exit(f"not refreshed: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
