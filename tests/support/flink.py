"""Flink's format `debezium-json`, run over the values of messages."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cdc.errors import Unfit
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.java import java_command
from tests.support.jars import jars_of

VERSION: Final = "2.1.0"
_COORDINATES: Final = [
    f"org.apache.flink:flink-{name}:{VERSION}"
    for name in ("json", "core", "table-common", "table-runtime")
]
_PROGRAM: Final = Path(__file__).with_name("FlinkReader.java")


def rows_of(values: Sequence[bytes | None]) -> list[tuple[str, ...]]:
    """Return (kind, id, word) of each row that Flink makes of values for a table `id, word`.

    The kinds are Flink's: `+I`, `-U`, `+U` and `-D`; `!` with the reason for a value that it does
    not take. Raises Unfit where Maven, a Java compiler or Flink cannot be had.
    """
    if shutil.which("javac") is None:
        raise Unfit("Flink's format is run by a program in Java, and there is no javac")
    jars = jars_of("flink-json", VERSION, _COORDINATES)
    lines = ("-" if each is None else base64.b64encode(each).decode() for each in values)
    done = subprocess.run(
        [*java_command(Cache.of_user()), "-Xmx256m", "-cp", f"{jars}/*", str(_PROGRAM)],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]
