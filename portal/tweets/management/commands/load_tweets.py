"""`manage.py load_tweets FILE`: the dataset, or a part of it, into MySQL."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError

from cdc_sandbox.demo.dataset import MalformedDataset
from portal.tweets.dataset_file import DatasetFile, dataset_file
from portal.tweets.loading import BATCH_DOCUMENTS, Tally, Target, batch_size, load
from portal.tweets.models import Loading


class Command(BaseCommand):
    """Loads tweets and their authors; earlier loads are overwritten with the same."""

    help = (
        "Loads tweets in extended JSON, an array or one document a line. Stopped, it goes on "
        "where it was when the same file is given again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--batch", type=batch_size, default=BATCH_DOCUMENTS, help="documents at once"
        )
        parser.add_argument(
            "--from-start", action="store_true", help="forget how far an earlier run came"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the file, and report the counts, even after an error."""
        tally = Tally()
        try:
            with dataset_file(options["file"]) as file:
                if options["from_start"]:
                    Loading.objects.filter(pk=file.fingerprint).delete()
                _load(file, options["batch"], tally)
        except (OSError, MalformedDataset) as error:
            raise CommandError(str(error)) from error
        finally:
            self._tell(tally)

    def _tell(self, tally: Tally) -> None:
        if tally.passed_over:
            self.stdout.write(f"went on behind document {tally.passed_over}")
        self.stdout.write(f"loaded {tally.loaded}, skipped {tally.skipped.total()}")
        for reason, number in tally.skipped.most_common():
            self.stdout.write(f"  {number} x {reason}")


def _load(file: DatasetFile, batch: int, tally: Tally) -> None:
    target = Target(batch, fingerprint=file.fingerprint)
    with click.progressbar(length=file.size_bytes, label="tweets", file=sys.stderr) as bar:
        for _ in load(file.documents(), target, tally):
            bar.update(file.read_bytes - bar.pos)
