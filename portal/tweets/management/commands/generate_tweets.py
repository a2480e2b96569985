"""`manage.py generate_tweets N`: invented tweets, for demos and benchmarks."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from random import SystemRandom
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cdc_sandbox.demo.dataset import SourceDocument
from cdc_sandbox.demo.generate import a_year_of_tweets
from portal.tweets.ids import new_id
from portal.tweets.loading import BATCH_DOCUMENTS, Tally, Target, batch_size, load


class Command(BaseCommand):
    """Creates tweets in many languages, over the year that ends now."""

    help = "Makes N tweets of invented people, over the year that ends now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("number", type=int, metavar="N")
        parser.add_argument("--seed", type=int, help="the same texts again, under new ids")
        parser.add_argument(
            "--batch", type=batch_size, default=BATCH_DOCUMENTS, help="rows at once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the tweets."""
        number, seed = options["number"], options["seed"]
        if number < 0:
            raise CommandError("N is how many tweets to make: 0 or more")
        seed = SystemRandom().randrange(1 << 32) if seed is None else seed
        tally = Tally()
        with click.progressbar(length=number, label="tweets", file=sys.stderr) as bar:
            for _ in load(_documents(number, seed), Target(options["batch"]), tally):
                bar.update(tally.loaded - bar.pos)
        self.stdout.write(f"made {tally.loaded} tweets, seed {seed}")


def _documents(number: int, seed: int) -> Iterator[SourceDocument]:
    tweets = a_year_of_tweets(seed, number, until=timezone.now(), first_id=new_id())
    for count, tweet in enumerate(tweets, start=1):
        yield SourceDocument(count, count, tweet)
