from __future__ import annotations

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.machine import check_machine, check_pip


def test_a_machine_that_can_have_it_passes() -> None:
    check_machine("x86_64", "the packaged mongod")
    check_pip(has_pip=True, python="python3")


def test_another_architecture_is_told_the_way_out() -> None:
    with pytest.raises(Unfit, match="the packaged mongod is for x86_64, and this is aarch64") as it:
        check_machine("aarch64", "the packaged mongod")

    assert "--containers" in str(it.value)


def test_a_python_without_pip_is_told_how_to_get_it() -> None:
    with pytest.raises(Unfit, match="/opt/python has none") as caught:
        check_pip(has_pip=False, python="/opt/python")

    assert "/opt/python -m ensurepip" in str(caught.value)
