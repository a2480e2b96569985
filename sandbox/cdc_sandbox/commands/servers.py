"""`cdc servers`: real servers to try cdc on; they stay until they are stopped."""

from __future__ import annotations

import dataclasses
import json

import click

from cdc.commands import output_option
from cdc_sandbox.servers import Engine, Flavour
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.persistent import Report, Standing
from cdc_sandbox.servers.versions import NAMES, Name, numbers

_SOURCE_VERSIONS = (
    f"The source's version: of mysql {numbers('mysql')}; of mariadb {numbers('mariadb')}."
)
_MONGO_VERSIONS = f"MongoDB's version: {numbers('mongo')}."


@click.group()
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
@output_option
def up(
    flavour: Flavour,
    version: str | None,
    mongo_version: str | None,
    containers: bool | None,
    output: str,
) -> None:
    """Start a source and a MongoDB replica set, on loopback, with the data they had before.

    Those that run already are left alone.
    """
    standing = Standing(Cache.of_user())
    engine = _engine(containers)
    wanted: dict[Name, str | None] = {flavour: version, "mongo": mongo_version}
    reports = []
    for name, number in wanted.items():
        click.echo(f"starting {name} (the first time it is fetched) …", err=True)
        reports.append(standing.up(name, engine, number))
    click.echo(_as_json(reports) if output == "json" else "\n".join(map(_as_lines, reports)))


@servers.command()
@click.option("--delete-data", is_flag=True, help="Delete what they hold, too.")
def down(*, delete_data: bool) -> None:
    """Stop the servers that `up` started."""
    standing = Standing(Cache.of_user())
    for name in NAMES:
        if standing.down(name, delete_data=delete_data):
            click.echo(f"stopped {name}", err=True)


def _engine(containers: bool | None) -> Engine | None:
    if containers is None:
        return None
    return "containers" if containers else "packages"


def _as_json(reports: list[Report]) -> str:
    return json.dumps({"servers": [dataclasses.asdict(report) for report in reports]}, indent=2)


def _as_lines(report: Report) -> str:
    return (
        f"{report.name} {report.version} (pid {report.pid}, from {report.engine})\n"
        f"  {report.uri}\n"
        f"  {report.client}"
    )
