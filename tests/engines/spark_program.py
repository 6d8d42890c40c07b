# SPDX-License-Identifier: Apache-2.0
"""Spark in a process of its own: it runs statements and answers questions, as `engine_processes.py` says.

Its time zone is not UTC, which must not matter. The data is small: nothing is compiled, and there is one thread.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from pyspark.sql import SparkSession

_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.log.level": "OFF",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def main() -> None:
    """Read statements and questions from stdin, and print the answers."""
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="spark-") as folder:
        os.chdir(folder)
        builder = SparkSession.builder.master("local[1]").config("spark.local.dir", folder)
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        for statement in asked["statements"]:
            spark.sql(statement)
        answers = {name: _ask(spark, question) for name, question in asked["questions"].items()}
        spark.stop()
    json.dump(answers, sys.stdout)


def _ask(spark: Any, question: str) -> dict[str, Any]:
    frame = spark.sql(question)
    return {"columns": frame.dtypes, "rows": [list(row) for row in frame.collect()]}


if __name__ == "__main__":
    main()
