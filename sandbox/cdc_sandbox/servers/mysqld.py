"""MySQL from unpacked packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.sql_program import Files, account, account_options, run_once

DEFAULTS = (
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--mysqlx=OFF",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=128M",
)


@dataclass(frozen=True, slots=True)
class Mysqld:
    """An unpacked mysqld."""

    root: Root

    def initialise(self, data: Path, password: str) -> None:
        """Fill a data folder that does not exist yet, with a root who has this password."""
        script = data.with_name("account.sql")
        script.touch(mode=0o600)
        script.write_text(account(password))
        run_once(
            [
                *self.command(),
                "--initialize-insecure",
                f"--datadir={data}",
                f"--init-file={script}",
                "--skip-log-bin",
                "--loose-innodb-redo-log-capacity=16M",  # little to copy; a server resizes it
                "--loose-innodb-log-file-size=16M",  # as it was called before 8.0.30
            ]
        )
        script.unlink()
        (data / "auto.cnf").unlink(
            missing_ok=True
        )  # each copy of the folder gets a server_uuid of its own

    def command(self) -> list[str]:
        """Return the words that any use of the program begins with."""
        files = Files.of(self.root, "mysqld", "mysql")
        return [
            *self.root.command(files.program),
            "--no-defaults",
            *files.options(),
            "--secure-file-priv=NULL",
            *account_options(),
        ]
