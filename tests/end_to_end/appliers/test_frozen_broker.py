from __future__ import annotations

import os
import signal

from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.appliers import Applied


def test_an_applier_ends_though_its_broker_answers_nothing(
    applied: Applied, kafka: KafkaServer
) -> None:
    applier = applied.apply()
    reader = applied.read()
    applied.until_attended(reader)

    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        assert applier.stop() == 0, applier.stderr
        assert reader.stop() == 0, reader.stderr
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
