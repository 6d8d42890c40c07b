# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of one package and writes its capture; for an environment that holds the package.

python -m tests.scenarios NAME CAPTURE
"""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.scenarios.capture_file import write_capture
from tests.scenarios.packages import PACKAGES
from tests.scenarios.run import run_scenarios

# Said in each capture: the rest of an environment says little about what was recorded.
RECORDERS = ("opentelemetry-", "openinference-", "openai", "langchain", "langgraph", "pydantic-ai", "litellm")


def main(name: str, path: Path) -> None:
    package = PACKAGES[name]
    os.environ.update(package.environment)
    required = [re.split(r"[\[<=]", requirement)[0] for requirement in package.requirements]
    versions = {
        distribution.name: distribution.version
        for distribution in metadata.distributions()
        if distribution.name.startswith((*RECORDERS, *required))
    }
    capture: dict[str, Any] = {
        "package": name,
        "environment": dict(package.environment),
        "versions": dict(sorted(versions.items())),
        "scenarios": run_scenarios(package),
    }
    write_capture(path, capture)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
