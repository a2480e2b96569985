"""Commands that look at both sides, ready to be pasted into another terminal."""

from __future__ import annotations

import json
import shlex
import shutil
import sys

from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.schema import SCHEMA

_LATEST = (
    "SELECT id, user_id, LEFT(text, 40), updated_at FROM tweets ORDER BY updated_at DESC LIMIT 3"
)


def commands(stage: Stage) -> list[str]:
    """Return lines to print: a title, then a command, in turn."""
    return [
        f"{stage.source_name}, the three tweets changed last:",
        f"  {_mysql_in_python(stage)}",
        "MongoDB, the same three, each with the names of its author:",
        f"  {_mongo_in_python(stage)}",
        *_clients(stage),
        "where the stream stands (its checkpoint, in MongoDB too):",
        f"  {_checkpoint_in_python(stage)}",
        "the daemon's log:",
        f"  {_line('tail', '-f', str(stage.daemon.log))}",
    ]


def _mysql_in_python(stage: Stage) -> str:
    source = stage.source
    program = (
        f"import pymysql; c = pymysql.connect(host={_quoted(source.host)}, port={source.port}, "
        f"user={_quoted(source.user)}, password={_quoted(source.password)}, "
        f"database={_quoted(SCHEMA)}).cursor(); "
        f'c.execute({_quoted(_LATEST)}); print(*c.fetchall(), sep="\\n")'
    )
    return _line(sys.executable, "-c", program)


def _mongo_in_python(stage: Stage) -> str:
    find = f'{SCHEMA}.tweets.find({{}}, {{"author": 1, "text": 1, "updated_at": 1}})'
    return _pymongo(stage, f'*client.{find}.sort("updated_at", -1).limit(3), sep="\\n"')


def _checkpoint_in_python(stage: Stage) -> str:
    return _pymongo(stage, "*client.cdc.streams.find()")


def _pymongo(stage: Stage, printed: str) -> str:
    program = f"import pymongo; client = pymongo.MongoClient({_quoted(stage.target.uri)}); "
    return _line(sys.executable, "-c", f"{program}print({printed})")


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


def _quoted(text: str) -> str:
    """Return a Python string in double quotes: the shell's are the single ones."""
    return json.dumps(text)


def _line(*words: str) -> str:
    return shlex.join(words)
