from __future__ import annotations

from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.appliers import Applied
from tests.end_to_end.support.command import Command


def test_check_tells_whether_the_brokers_for_appliers_can_be_reached(
    applied: Applied, kafka: KafkaServer
) -> None:
    stream = applied.stream
    stream.configure()
    reached = Command(stream, "check")
    assert reached.returncode == 0, reached.stderr
    assert "1 broker can be reached (apply.kafka)" in reached.stdout

    stream.settings["apply"]["kafka"]["bootstrap_servers"] = "127.0.0.1:1"
    stream.configure()
    away = Command(stream, "check")
    assert away.returncode != 0
    assert "kafka" in away.stdout
