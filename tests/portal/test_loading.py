from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cdc_sandbox.demo.generate import invented_tweets
from portal.tweets.dataset_file import dataset_file
from portal.tweets.loading import Tally, Target, load
from portal.tweets.models import Author, Loading, Tweet
from tests.support.extended_json import extended

pytestmark = pytest.mark.usefixtures("rows")


def invented(number: int) -> list[dict[str, Any]]:
    return list(islice(invented_tweets(7), number))


def lines(folder: Path, documents: list[dict[str, Any]]) -> Path:
    path = folder / "tweets.json"
    path.write_text("\n".join(json.dumps(extended(document)) for document in documents))
    return path


def run(*words: object, **options: Any) -> list[str]:
    output = StringIO()
    call_command(*(str(word) for word in words), stdout=output, **options)
    return output.getvalue().splitlines()


def everything() -> list[object]:
    return [*Author.objects.order_by("pk").values(), *Tweet.objects.order_by("pk").values()]


def test_a_file_becomes_rows_that_hold_what_it_says(tmp_path: Path) -> None:
    documents = invented(50)

    told = run("load_tweets", lines(tmp_path, documents))

    assert told == ["loaded 50, skipped 0"]
    assert Tweet.objects.count() == 50
    for document in documents:
        tweet = Tweet.objects.select_related("author").get(pk=document["id"])
        assert (tweet.text, tweet.entities) == (document["text"], document["entities"])
        assert tweet.author.screen_name == document["user"]["screen_name"]
        date = datetime.strptime(document["created_at"], "%a %b %d %H:%M:%S %z %Y")
        assert tweet.created_at == tweet.updated_at == date.astimezone(UTC)


def test_loading_a_file_again_changes_nothing(tmp_path: Path) -> None:
    path = lines(tmp_path, invented(30))
    run("load_tweets", path)
    before = everything()

    assert run("load_tweets", path) == ["loaded 30, skipped 0"]

    assert everything() == before


def test_a_load_that_was_killed_goes_on_behind_its_last_batch(tmp_path: Path) -> None:
    documents = invented(50)
    path = lines(tmp_path, documents)
    load_some(path, batches=2)
    assert Tweet.objects.count() == 40

    told = run("load_tweets", path, batch=20)

    assert told == ["went on behind document 40", "loaded 10, skipped 0"]
    assert Tweet.objects.count() == 50
    assert not Loading.objects.exists()


def test_from_start_forgets_how_far_it_came(tmp_path: Path) -> None:
    path = lines(tmp_path, invented(30))
    load_some(path, batches=1)

    assert run("load_tweets", path, "--from-start") == ["loaded 30, skipped 0"]


def test_what_makes_no_row_is_skipped_and_counted_by_its_reason(tmp_path: Path) -> None:
    documents = invented(6)
    documents[1]["created_at"] = "soon"
    documents[2]["created_at"] = "later"
    del documents[3]["user"]
    documents[4]["id"] = 1 << 64

    told = run("load_tweets", lines(tmp_path, documents))

    assert told == [
        "loaded 2, skipped 4",
        "  2 x created_at is not a date of Twitter's",
        "  1 x user is not a document",
        "  1 x id is not a number of 64 bits",
    ]


def test_tweets_of_who_took_over_a_screen_name_are_skipped(tmp_path: Path) -> None:
    documents = invented(1) * 2
    documents[1] = {**documents[1], "id": 5, "user": {**documents[1]["user"], "id": 6}}

    told = run("load_tweets", lines(tmp_path, documents))

    assert told[1:] == ["  1 x user.screen_name is another author's"]
    assert Author.objects.get().pk == documents[0]["user"]["id"]


def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    path = lines(tmp_path, invented(25))
    path.write_text(path.read_text() + "\n{")

    with pytest.raises(CommandError, match=r"document 26, line 26"):
        run("load_tweets", path, batch=10)

    assert Tweet.objects.count() == 20


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("load_tweets", tmp_path / "nowhere.json")


def test_generated_tweets_are_of_a_year_that_ends_now_and_others_each_time() -> None:
    run("generate_tweets", 300, seed=1)
    run("generate_tweets", 300, seed=1)

    assert Tweet.objects.count() == 600
    first, last = Tweet.objects.earliest("created_at"), Tweet.objects.latest("created_at")
    assert timezone.now() - timedelta(days=2) < last.created_at < timezone.now()
    assert timedelta(days=363) < last.created_at - first.created_at < timedelta(days=366)


def load_some(path: Path, *, batches: int) -> None:
    """Load some batches of 20, and stop as a process that is killed does."""
    with dataset_file(path) as file:
        target = Target(20, fingerprint=file.fingerprint)
        steps = load(file.documents(), target, Tally())
        for _ in range(batches):
            next(steps)


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_batches_of_nothing_are_refused(tmp_path: Path, size: str) -> None:
    path = lines(tmp_path, invented(3))

    with pytest.raises(CommandError, match="say 1 or more"):
        run("load_tweets", path, f"--batch={size}")
    with pytest.raises(CommandError, match="say 1 or more"):
        run("generate_tweets", "3", f"--batch={size}")


def test_a_document_that_nests_too_deep_is_told_by_its_place(tmp_path: Path) -> None:
    path = lines(tmp_path, invented(3))
    with path.open("a") as file:
        file.write('\n{"place": ' + "[" * 50_000)

    with pytest.raises(CommandError, match=r"document 4, line 4: it nests too deep"):
        run("load_tweets", path, "--batch=3")

    assert Tweet.objects.count() == 3
