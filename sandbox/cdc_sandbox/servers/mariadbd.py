"""MariaDB from unpacked packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.sql_program import Files, account, account_options, run_once

DEFAULTS = (
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    "--gtid-strict-mode=ON",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=128M",
)
_SCRIPTS = (
    "system_tables",
    "performance_tables",
    "system_tables_data",
    "fill_help_tables",
    "maria_add_gis_sp_bootstrap",
)
_BEFORE = """\
CREATE DATABASE IF NOT EXISTS mysql;
USE mysql;
SET @auth_root_socket=NULL;
"""
# The scripts make root accounts without a password for each name of this host.
_AFTER = """\
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';
FLUSH PRIVILEGES;
"""


@dataclass(frozen=True, slots=True)
class Mariadbd:
    """An unpacked mariadbd."""

    root: Root

    def initialise(self, data: Path, password: str) -> None:
        """Fill a data folder that does not exist yet, with a root who has this password."""
        data.mkdir(mode=0o700)
        scripts = [_script(self._files().share, name).read_text() for name in _SCRIPTS]
        run_once(
            [
                *self.command(),
                "--bootstrap",
                f"--datadir={data}",
                "--max-allowed-packet=8M",
                "--net-buffer-length=16K",
                "--enforce-storage-engine=",
                "--innodb-log-file-size=16M",  # little to copy; a server resizes it
            ],
            "\n".join([_BEFORE, *scripts, _AFTER + account(password)]),
        )

    def command(self) -> list[str]:
        """Return the words that any use of the program begins with."""
        files = self._files()
        return [
            *self.root.command(files.program),
            "--no-defaults",
            *files.options(),
            *account_options(),
        ]

    def _files(self) -> Files:
        return Files.of(self.root, "mariadbd", "mariadb", "mysql")


def _script(share: Path, name: str) -> Path:
    """Find a bootstrap script, whose prefix changed from mysql to mariadb in version 11."""
    for prefix in ("mariadb_", "mysql_", ""):
        if (path := share / f"{prefix}{name}.sql").exists():
            return path
    raise ServerFailed(f"the MariaDB in {share} has no {name}.sql")
