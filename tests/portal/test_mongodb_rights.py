"""The portal's account in MongoDB has the rights that docs/portal.md gives it, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from django.core.cache import cache
from django.test import Client, override_settings
from pymongo.errors import OperationFailure

from cdc.model.job import JOBS
from cdc_sandbox.servers import Flavour, MongoServer, mongo_server
from cdc_sandbox.servers.ports import free_port
from portal import mongodb
from portal.accounts.roles import Role
from tests.portal.support.database import DOCS, PASSWORD
from tests.portal.support.people import person

ADMIN = {"username": "admin", "password": "admin"}


@pytest.fixture(scope="session")
def flavour() -> Flavour:
    """One of Django's databases does."""
    return "mysql"


@pytest.fixture(scope="module")
def locked_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A replica set that asks for a login, with the account of the docs."""
    key = tmp_path_factory.mktemp("keys") / "replica-set.key"
    key.write_text("c2VjcmV0IG9mIHRoZSByZXBsaWNhIHNldA==")
    key.chmod(0o400)
    with mongo_server(options=[f"--keyFile={key}"]) as server:
        with server.client() as client:
            client.admin.command("createUser", "admin", pwd="admin", roles=["root"])
        with server.client(**ADMIN) as client:
            role = documented_role()
            client.admin.command(
                "createRole", role["role"], privileges=role["privileges"], roles=role["roles"]
            )
            client.admin.command("createUser", "portal", pwd=PASSWORD, roles=[role["role"]])
            client.admin.command("createUser", "stranger", pwd="there", roles=[])
            now = datetime.now(UTC)
            tweet = {"_id": 1, "user_id": 1, "text": "!", "created_at": now}
            client["twitter"]["tweets"].insert_one({**tweet, "updated_at": now})
            client["cdc"]["streams"].insert_one(
                {
                    "_id": "twitter",
                    "position": {"file": "binlog.000001", "offset": 4},
                    "covered": ["twitter.tweets tweets"],
                }
            )
        yield server


@pytest.fixture
def portal(locked_mongo: MongoServer) -> Iterator[MongoServer]:
    cache.clear()
    account = f"portal:{PASSWORD.replace(' ', '%20')}"
    with override_settings(
        MONGODB_URI=f"mongodb://{account}@127.0.0.1:{locked_mongo.port}/?directConnection=true",
        CDC_STATUS_URL=f"http://127.0.0.1:{free_port()}/status",
    ):
        yield locked_mongo


def documented_role() -> dict[str, Any]:
    text = DOCS.read_text(encoding="utf-8")
    [call] = re.findall(r"db\.createRole\((\{.*?\n\})\)", text, re.DOTALL)
    role: dict[str, Any] = yaml.safe_load(call)
    return role


def test_every_page_is_shown_and_jobs_are_asked_for_and_cancelled(
    client: Client, portal: MongoServer
) -> None:
    for role, page in (
        (Role.CUSTOMER, "/timeline/"),
        (Role.SENIOR_MANAGEMENT, "/figures/?period=all"),
        (Role.TECHNICAL_WORKER, "/replication/"),
    ):
        client.force_login(person(role.value, role))
        answer = client.get(page)
        assert answer.status_code == 200
        assert "MongoDB does not answer" not in answer.content.decode()

    asked = client.post("/replication/jobs/", {"verify": "twitter.tweets"}, follow=True)
    assert "Asked for a verify" in asked.content.decode()
    job = mongodb.state()[JOBS].find_one()
    assert job is not None
    cancelled = client.post("/replication/jobs/cancel/", {"job": job["_id"]}, follow=True)
    assert "Cancelled." in cancelled.content.decode()


def test_dead_letters_are_discarded(client: Client, portal: MongoServer) -> None:
    client.force_login(person("tess", Role.TECHNICAL_WORKER))
    with portal.client(**ADMIN) as admin:
        admin["cdc"]["dead_letters"].insert_one({"_id": "1", "stream": "twitter", "state": "open"})

    answer = client.post("/replication/letters/discard/", {"letter": "1"}, follow=True)

    assert "Discarded." in answer.content.decode()


def test_what_was_replicated_and_the_checkpoint_are_out_of_reach(portal: MongoServer) -> None:
    for collection in (mongodb.documents()["tweets"], mongodb.state()["streams"]):
        with pytest.raises(OperationFailure, match="not authorized"):
            collection.update_one({}, {"$set": {"text": "another"}})
    with pytest.raises(OperationFailure, match="not authorized"):
        mongodb.state()[JOBS].delete_many({})


@pytest.mark.parametrize("login", ["nobody:nothing@", "portal:a%20guess@", "stranger:there@", ""])
def test_where_mongodb_refuses_the_account_every_page_says_so(
    client: Client, locked_mongo: MongoServer, login: str
) -> None:
    cache.clear()
    uri = f"mongodb://{login}127.0.0.1:{locked_mongo.port}/?directConnection=true"

    with override_settings(MONGODB_URI=uri):
        for role, page in (
            (Role.CUSTOMER, "/timeline/"),
            (Role.SENIOR_MANAGEMENT, "/figures/"),
            (Role.TECHNICAL_WORKER, "/replication/"),
        ):
            client.force_login(person(role.value, role))
            answer = client.get(page)
            assert answer.status_code == 200
            assert "MongoDB does not answer" in answer.content.decode()
        asked = client.post("/replication/jobs/", {"verify": "twitter.tweets"}, follow=True)
        cancelled = client.post("/replication/jobs/cancel/", {"job": "7"}, follow=True)

    assert "or refuses it: nothing was asked for" in asked.content.decode()
    assert cancelled.status_code == 200
