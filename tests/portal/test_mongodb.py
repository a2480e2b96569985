from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import override_settings

from cdc_sandbox.servers import MongoServer
from portal import mongodb

SOON_SECONDS = 20
"""A second and a half, and the rest for a busy machine; the driver alone would wait for 30 s."""

_ASK_IN_A_FORK = """
import os
import django; django.setup()
from portal import mongodb
mongodb.documents().command("ping")
child = os.fork()
if child == 0:
    mongodb.documents().command("ping")
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_worker_that_was_forked_from_a_process_that_asked_has_a_client_of_its_own(
    mongo: MongoServer,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", _ASK_IN_A_FORK],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_SECRET_KEY": "of-a-fork-" * 6,
            "PORTAL_DATABASE_URL": "mysql://nobody@127.0.0.1:1/nowhere",
            "PORTAL_MONGODB_URI": mongo.uri,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "0\n", done.stderr


@pytest.mark.usefixtures("target")
def test_threads_share_a_client() -> None:
    with ThreadPoolExecutor(8) as threads:
        clients = set(threads.map(lambda _: id(mongodb.documents().client), range(64)))

    assert clients == {id(mongodb.state().client)}


def test_nobody_there_is_told_soon() -> None:
    with override_settings(MONGODB_URI="mongodb://127.0.0.1:1/"):
        started = time.monotonic()
        with pytest.raises(mongodb.Unavailable):
            mongodb.documents().command("ping")

    assert time.monotonic() - started < SOON_SECONDS


@pytest.mark.usefixtures("target")
def test_a_query_that_takes_longer_than_its_block_may_is_given_up() -> None:
    tweets = mongodb.documents()["tweets"]
    tweets.insert_one({"_id": 1})
    slow = tweets.find({"$where": "sleep(60000) || true"})

    started = time.monotonic()
    with pytest.raises(mongodb.Unavailable), mongodb.within(1):
        slow.to_list()

    assert time.monotonic() - started < SOON_SECONDS
