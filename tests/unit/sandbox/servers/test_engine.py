from __future__ import annotations

import pytest

from cdc.errors import Unfit, UsageError
from cdc_sandbox.servers.engine import Engine, choose


def test_containers_are_chosen_where_an_engine_answers() -> None:
    assert choose(environment={}, docker=lambda: True) == "containers"


def test_packages_are_chosen_where_none_answers() -> None:
    assert choose(environment={}, docker=lambda: False) == "packages"


def test_the_variable_overrides_what_the_machine_has() -> None:
    chosen = choose(environment={"CDC_SERVERS": "packages"}, docker=lambda: True)

    assert chosen == "packages"


def test_the_argument_overrides_the_variable() -> None:
    environment = {"CDC_SERVERS": "packages"}

    assert choose("containers", environment, docker=lambda: True) == "containers"


@pytest.mark.parametrize(
    ("wanted", "environment"), [("containers", {}), (None, {"CDC_SERVERS": "containers"})]
)
def test_packages_never_stand_in_for_containers_that_were_asked_for(
    wanted: Engine | None, environment: dict[str, str]
) -> None:
    with pytest.raises(Unfit, match="no Docker engine answers"):
        choose(wanted, environment, docker=lambda: False)


def test_a_misspelt_variable_is_an_error() -> None:
    with pytest.raises(UsageError, match="CDC_SERVERS is 'podman'"):
        choose(environment={"CDC_SERVERS": "podman"}, docker=lambda: True)
