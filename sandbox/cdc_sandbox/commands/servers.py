"""`cdc servers`: real servers to try cdc on; they stay until they are stopped."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
from typing import Literal

import click

from cdc.commands import Group, output_option
from cdc_sandbox.servers import Engine, Flavour
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.persistent import Report, Standing
from cdc_sandbox.servers.versions import NAMES, Name, numbers

_SOURCE_VERSIONS = (
    f"The source's version: of mysql {numbers('mysql')}; of mariadb {numbers('mariadb')}."
)
_MONGO_VERSIONS = f"MongoDB's version: {numbers('mongo')}."


@click.group(cls=Group)
def servers() -> None:
    """Start and stop real servers to try it on."""


@servers.command()
@click.option(
    "--flavour",
    type=click.Choice(["mysql", "mariadb"]),
    default="mysql",
    show_default=True,
    help="The source.",
)
@click.option("--version", help=_SOURCE_VERSIONS)
@click.option("--mongo-version", help=_MONGO_VERSIONS)
@click.option(
    "--containers/--no-containers",
    default=None,
    help="Run them by a Docker engine, or from unpacked packages."
    "  [default: CDC_SERVERS, or a Docker engine if one answers]",
)
@click.option(
    "--with",
    "extras",
    type=click.Choice(["kafka"]),
    multiple=True,
    help="Start this one too; it needs confluent-kafka (pip install './sandbox[kafka]')."
    f"  CDC_SERVER_VERSIONS chooses its version: {numbers('kafka')}.",
)
@output_option
def up(
    flavour: Flavour,
    version: str | None,
    mongo_version: str | None,
    containers: bool | None,
    extras: tuple[Literal["kafka"], ...],
    output: str,
) -> None:
    """Start a source and a MongoDB replica set, on loopback, with the data they had before.

    Those that run already are left alone.
    """
    standing = Standing(Cache.of_user())
    engine = _engine(containers)
    wanted: dict[Name, str | None] = {flavour: version, "mongo": mongo_version}
    wanted |= dict.fromkeys(extras)
    for name, number in wanted.items():
        standing.require(name, engine, number)  # told before anything is fetched or started
    reports: list[Report] = []
    try:
        for name, number in wanted.items():
            click.echo(
                f"starting {name}, unless it runs; what is missing is fetched once", err=True
            )
            reports.append(standing.up(name, engine, number))
    finally:  # those that run are told also if another one does not start
        if reports:
            as_text = _as_json if output == "json" else _as_text
            click.echo(as_text(reports))


@servers.command()
@click.option("--delete-data", is_flag=True, help="Delete what they hold, too.")
def down(*, delete_data: bool) -> None:
    """Stop the servers that `up` started."""
    standing = Standing(Cache.of_user())
    stopped = [name for name in NAMES if standing.down(name, delete_data=delete_data)]
    for name in stopped:
        click.echo(f"stopped {name}", err=True)
    if not stopped:
        deleted = ", and their data are deleted" if delete_data else ""
        click.echo(f"no server of `cdc servers up` runs{deleted}", err=True)


def _engine(containers: bool | None) -> Engine | None:
    if containers is None:
        return None
    return "containers" if containers else "packages"


def _as_json(reports: list[Report]) -> str:
    return json.dumps({"servers": [dataclasses.asdict(report) for report in reports]}, indent=2)


def _as_text(reports: list[Report]) -> str:
    return "\n".join(map(_as_lines, reports))


def _as_lines(report: Report) -> str:
    return (
        f"{report.name} {report.version} (pid {report.pid}, from {report.engine})\n"
        f"  {report.uri}\n"
        f"  {_client(report)}"
    )


def _client(report: Report) -> str:
    """Return what to type to look into it: the server's client, or Python if that is missing.

    Its texts stand in double quotes: the shell's are the single ones.
    """
    if shutil.which(report.client.split()[0]):
        return report.client
    if report.name == "kafka":
        servers = json.dumps({"bootstrap.servers": report.uri})
        program = f"from confluent_kafka.admin import AdminClient; client = AdminClient({servers})"
    elif report.name == "mongo":
        program = f"import pymongo; client = pymongo.MongoClient({json.dumps(report.uri)})"
    else:
        program = (
            f"import pymysql; cursor = pymysql.connect(host={json.dumps(report.host)},"
            f" port={report.port}, user={json.dumps(report.user)},"
            f" password={json.dumps(report.password)}, autocommit=True).cursor()"
        )
    return shlex.join([sys.executable, "-i", "-c", program])
