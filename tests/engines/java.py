# SPDX-License-Identifier: Apache-2.0
"""The Java of the tests of Spark. Run as a program, it installs one where that is possible.

It uses the standard library alone, so `make java` needs no environment.
"""

from __future__ import annotations

import os
import shutil

from tests.system_packages import provide

PACKAGES = ("openjdk-17-jre-headless",)
SAYS_WHAT_TO_DO = (
    "The tests of Spark need Java 17 or newer: install it with the packages of your system "
    f"(Debian: apt-get install {' '.join(PACKAGES)}), or let JAVA_HOME name its folder."
)


def find_java() -> str | None:
    """Return the path of the program `java`, or None."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")


def main() -> None:
    """Install a Java if there is none, or say what to do."""
    provide(find_java, PACKAGES, "Java for the tests of Spark (about 190 MB and half a minute)", SAYS_WHAT_TO_DO)


if __name__ == "__main__":
    main()
