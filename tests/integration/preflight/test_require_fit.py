from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from cdc.config import Config, load
from cdc.errors import Retryable, Unfit, UsageError
from cdc.mapping.file.loading import load_mappings
from cdc.preflight.run import require_fit
from cdc_sandbox.servers import MySQLServer
from tests.integration.preflight.support.checked import Setup, global_setting


def attempt(setup: Setup) -> None:
    config: Config = load(setup.path)
    require_fit(config, load_mappings(config.mappings, relative_to=setup.folder))


def test_a_fit_pair_starts_in_silence(setup: Setup, table: str) -> None:
    with capture_logs() as logs:
        attempt(setup)

    assert logs == []


def test_an_unfit_side_stops_the_start_with_every_remedy(
    source: MySQLServer, setup: Setup, table: str
) -> None:
    with (
        global_setting(source, "binlog_row_metadata", "'MINIMAL'"),
        global_setting(source, "binlog_row_image", "'MINIMAL'"),
        pytest.raises(Unfit) as caught,
    ):
        attempt(setup)

    assert "binlog_row_metadata = FULL" in str(caught.value)
    assert "binlog_row_image = FULL" in str(caught.value)


def test_a_side_that_cannot_be_reached_is_worth_another_try(setup: Setup, table: str) -> None:
    setup.source["host"] = "nowhere.invalid"

    with pytest.raises(Retryable, match=r"nowhere\.invalid"):
        attempt(setup)


def test_a_mapping_that_does_not_fit_its_table_is_a_usage_error(setup: Setup, table: str) -> None:
    setup.follow(table, exclude=["absent"])

    with pytest.raises(UsageError, match="absent"):
        attempt(setup)


def test_a_risk_is_logged_and_does_not_stop_the_start(
    source: MySQLServer, setup: Setup, table: str
) -> None:
    if source.flavour == "mysql":
        pytest.skip("MySQL has no gtid_strict_mode")
    with global_setting(source, "gtid_strict_mode", "OFF"), capture_logs() as logs:
        attempt(setup)

    assert [(each["log_level"], each["check"]) for each in logs] == [
        ("warning", "gtid_strict_mode")
    ]
