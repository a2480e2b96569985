"""`cdc mapping`: writes mapping files, checks them, and shows what they do."""

from __future__ import annotations

import click

from cdc.commands import Group
from cdc.commands.mapping.check import check
from cdc.commands.mapping.explain import explain
from cdc.commands.mapping.init import init
from cdc.commands.mapping.preview import preview
from cdc.commands.mapping.schema import schema


@click.group(cls=Group)
def mapping() -> None:
    """Write mappings, check them, and see what they do."""


for command in (init, check, preview, schema, explain):
    mapping.add_command(command)
