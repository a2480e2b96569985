from __future__ import annotations

import pytest

from cdc.config import TargetConfig
from cdc.errors import UsageError
from cdc.writers.connection import connect_target, hosts_of


def target(uri: str) -> TargetConfig:
    return TargetConfig.model_validate({"uri": uri, "database": "shop"})


@pytest.mark.parametrize("login", ["cdc:p@ss", "cdc:a/b", "us:er:secret"])
def test_a_login_that_is_not_encoded_is_told_in_our_words(login: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect_target(target(f"mongodb://{login}@db/?replicaSet=rs0"))

    assert "quote_plus" not in str(caught.value)
    assert "ss@" not in str(caught.value)
    assert "as %2F and %40" in str(caught.value.remedy)


def test_hosts_are_told_without_the_login() -> None:
    assert hosts_of(target("mongodb://cdc:secret@a:1,b:2/?replicaSet=rs0")) == "a:1,b:2"
