"""What a running daemon answers over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.support.daemon import Daemon


def get(daemon: Daemon, path: str) -> tuple[int, str]:
    port = daemon.until_logged("http_listening")["port"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(daemon: Daemon) -> dict[str, float]:
    """Each sample by its name and labels but the stream's, as Prometheus reads them."""
    code, text = get(daemon, "/metrics")
    assert code == 200
    return {
        sample.name
        + "".join(
            f"{{{value}}}" for name, value in sorted(sample.labels.items()) if name != "stream"
        ): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
