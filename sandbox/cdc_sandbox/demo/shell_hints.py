"""Short commands that look at both sides, ready to be pasted into another terminal."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from cdc_sandbox.demo.daemon import cdc_command
from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.schema import SCHEMA

_LATEST: Final = (
    "SELECT id, user_id, text, CAST(updated_at AS CHAR) AS updated_at"
    " FROM tweets ORDER BY updated_at DESC LIMIT 3"
)


def commands(stage: Stage) -> list[str]:
    """Write a script for each look into the demo's folder; return lines to print."""
    folder = stage.daemon.config.parent
    looks = {
        _script(folder / "rows", _mysql_in_python(stage)): (
            f"the three tweets changed last, in {stage.source_name}"
        ),
        _script(folder / "documents", _mongo_in_python(stage)): (
            "the same in MongoDB, each with its author"
        ),
        _script(folder / "status", _line(*_status(stage))): "where the stream stands",
        **_clients(stage, folder),
        f"tail -f {stage.daemon.log}": "the daemon's log",
    }
    width = max(map(len, looks))
    return [
        "look around, in another terminal:",
        *(f"  {command:{width}}  {what}" for command, what in looks.items()),
    ]


def _script(path: Path, command: str) -> str:
    """Write an executable script, and return how it is called."""
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o700)
    return str(path)


def _status(stage: Stage) -> list[str]:
    return cdc_command("status", "--config", str(stage.daemon.config))


def _mysql_in_python(stage: Stage) -> str:
    source = stage.source
    program = (
        f"import json, pymysql; c = pymysql.connect(host={_quoted(source.host)}, "
        f"port={source.port}, user={_quoted(source.user)}, password={_quoted(source.password)}, "
        f"database={_quoted(SCHEMA)}).cursor(pymysql.cursors.DictCursor); "
        f"c.execute({_quoted(_LATEST)}); "
        'print(*(json.dumps(each, ensure_ascii=False) for each in c), sep="\\n")'
    )
    return _line(sys.executable, "-c", program)


def _mongo_in_python(stage: Stage) -> str:
    find = f'{SCHEMA}.tweets.find({{}}, {{"author": 1, "text": 1, "updated_at": 1}})'
    program = (
        "import pymongo; from bson.json_util import dumps; "
        f"client = pymongo.MongoClient({_quoted(stage.target.uri)}); "
        f'found = client.{find}.sort("updated_at", -1).limit(3); '
        'print(*(dumps(each, ensure_ascii=False) for each in found), sep="\\n")'
    )
    return _line(sys.executable, "-c", program)


def _clients(stage: Stage, folder: Path) -> dict[str, str]:
    """Return the servers' own clients that are installed."""
    source, found = stage.source, {}
    if client := shutil.which("mysql") or shutil.which("mariadb"):
        password = _line(f"MYSQL_PWD={source.password}")
        options = _line("-h", source.host, "-P", str(source.port), "-u", source.user, SCHEMA)
        command = f"env {password} {_line(client)} {options}"
        found[_script(folder / "mysql", command)] = f"{stage.source_name}'s own client"
    if client := shutil.which("mongosh"):
        command = _line(client, stage.target.uri)
        found[_script(folder / "mongosh", command)] = "MongoDB's own client"
    return found


def _quoted(text: str) -> str:
    """Return a Python string in double quotes: the shell's are the single ones."""
    return json.dumps(text)


def _line(*words: str) -> str:
    return shlex.join(words)
