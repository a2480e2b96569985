from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from django.conf import settings

from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.servers import MySQLServer
from portal.tweets.models import Author, Loading, Tweet
from tests.portal.support.deployment import MANAGE
from tests.support.extended_json import extended
from tests.support.waiting import eventually

DOCUMENTS = 600
BATCH = 1  # so that there is a long time to be killed in


@pytest.fixture(autouse=True)
def emptied(tables: MySQLServer) -> Iterator[None]:
    """What other processes wrote is not rolled back."""
    yield
    for model in (Tweet, Author, Loading):
        model.objects.all().delete()


def start(path: Path, *options: str) -> subprocess.Popen[str]:
    database = settings.DATABASES["default"]
    return subprocess.Popen(
        [sys.executable, str(MANAGE), "load_tweets", str(path), *options],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_DATABASE_URL": f"mysql://{database['USER']}@{database['HOST']}"
            f":{database['PORT']}/{database['NAME']}",
            "PORTAL_DATABASE_PASSWORD": database["PASSWORD"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_process_that_is_killed_leaves_what_it_says_and_the_next_loads_the_rest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tweets.json"
    documents = list(islice(invented_tweets(3), DOCUMENTS))
    path.write_text("\n".join(json.dumps(extended(each)) for each in documents))

    with start(path, f"--batch={BATCH}") as loading:
        eventually(Loading.objects.first, waiting_for="the first batch")
        loading.send_signal(signal.SIGKILL)
    left = Loading.objects.get().documents
    assert Tweet.objects.count() == left
    assert 0 < left < DOCUMENTS

    with start(path) as again:
        told, _ = again.communicate(timeout=60)

    assert told.splitlines() == [
        f"went on behind document {left}",
        f"loaded {DOCUMENTS - left}, skipped 0",
    ]
    assert set(Tweet.objects.values_list("pk", flat=True)) == {each["id"] for each in documents}
