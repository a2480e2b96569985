"""Commands that look at both sides, ready to be pasted into another terminal."""

from __future__ import annotations

import shlex
import shutil
import sys

from cdc.demo.program import cdc_command
from cdc.demo.schema import SCHEMA
from cdc.demo.stage import Stage

_LATEST = (
    "SELECT id, user_id, LEFT(text, 40), updated_at FROM tweets ORDER BY updated_at DESC LIMIT 3"
)


def commands(stage: Stage) -> list[str]:
    """Return lines to print: a title, then a command, in turn."""
    return [
        f"{stage.source_name}, the three tweets changed last:",
        f"  {_mysql_in_python(stage)}",
        "MongoDB, the same three:",
        f"  {_mongo_in_python(stage)}",
        *_clients(stage),
        "where the stream stands:",
        f"  {_line(*cdc_command('position', 'show', '--config', str(stage.config)))}",
        "the daemon's log:",
        f"  {_line('tail', '-f', str(stage.daemon.log))}",
    ]


def _mysql_in_python(stage: Stage) -> str:
    source = stage.source
    program = (
        f"import pymysql; c = pymysql.connect(host={source.host!r}, port={source.port}, "
        f"user={source.user!r}, password={source.password!r}, database={SCHEMA!r}).cursor(); "
        f"c.execute({_LATEST!r}); print(*c.fetchall(), sep='\\n')"
    )
    return _line(sys.executable, "-c", program)


def _mongo_in_python(stage: Stage) -> str:
    program = (
        f"import pymongo; print(*pymongo.MongoClient({stage.target.uri!r}).{SCHEMA}.tweets.find()"
        ".sort('updated_at', -1).limit(3), sep='\\n')"
    )
    return _line(sys.executable, "-c", program)


def _clients(stage: Stage) -> list[str]:
    """Return the servers' own clients, where they are installed."""
    lines = []
    source = stage.source
    if client := shutil.which("mysql") or shutil.which("mariadb"):
        password = _line(f"MYSQL_PWD={source.password}")
        options = _line("-h", source.host, "-P", str(source.port), "-u", source.user, SCHEMA)
        lines += [f"{stage.source_name}'s own client:", f"  {password} {_line(client)} {options}"]
    if client := shutil.which("mongosh"):
        lines += ["MongoDB's own client:", f"  {_line(client, stage.target.uri)}"]
    return lines


def _line(*words: str) -> str:
    return shlex.join(words)
