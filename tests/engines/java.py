# SPDX-License-Identifier: Apache-2.0
"""The Java of the tests of Spark. Run as a program, it installs one where that is possible.

It uses the standard library alone, so `make java` needs no environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from tests.system_packages import provide

OLDEST = 17
PACKAGES = (f"openjdk-{OLDEST}-jre-headless",)
SAYS_WHAT_TO_DO = (
    f"The tests of Spark need Java {OLDEST} or newer: install it with the packages of your system "
    f"(Debian: apt-get install {' '.join(PACKAGES)}), or let JAVA_HOME name its folder."
)


def find_java() -> str | None:
    """Return the path of the program `java`, or None if there is none that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")
    if path is None:
        return None
    told = subprocess.run([path, "-version"], check=False, capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    return path if version is not None and int(version[1]) >= OLDEST else None


def main() -> None:
    """Install a Java if there is none, or say what to do."""
    provide(find_java, PACKAGES, "Java for the tests of Spark (about 190 MB and half a minute)", SAYS_WHAT_TO_DO)


if __name__ == "__main__":
    main()
