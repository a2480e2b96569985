from __future__ import annotations

import traceback

import pytest

from cdc.config import TargetConfig
from cdc.errors import UsageError
from cdc.writers.connection import connect_target

SECRET = "s3cret/of-ours"


def refusal(uri: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        connect_target(TargetConfig.model_validate({"uri": uri, "database": "d"}))
    return caught.value


@pytest.mark.parametrize(
    "options", ["tls=ture", "tlss=true", "tls=true&tlsCAFile=/no/such", "authMechanism=SCRAM"]
)
def test_an_option_that_the_driver_would_leave_out_with_a_warning_is_refused(options: str) -> None:
    error = refusal(f"mongodb://host/?{options}")

    assert "target.uri" in error.message
    assert error.remedy


@pytest.mark.parametrize(
    "rest", ["@host", "@host/", "@host:99999/", "@host:x/", "@host/?tls=ture", "%@host/"]
)
def test_a_password_is_told_by_no_refusal(rest: str) -> None:
    error = refusal(f"mongodb://cdc:{SECRET}{rest}")

    told = "".join(traceback.format_exception(error))
    assert "of-ours" not in told
    assert "%2F" in (error.remedy or "")
