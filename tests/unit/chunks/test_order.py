"""Copies of what is embedded come before copies of what embeds it, whatever was asked for first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cdc.chunks.order import JobOrder
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.job import Job, JobKind, JobState, Options


def mapping(target: str, source: str = "", **embed: Any) -> Mapping:
    return Mapping.model_validate(
        {"source": source or f"shop.{target}", "target": target, "embed": embed}
    )


MAPPINGS = (
    mapping("orders", lines={"many": "lines", "on": "order_id"}),
    mapping("lines", product={"one": "products", "on": "product_id"}),
    mapping("products"),
    mapping("others"),
    mapping("plain_orders", source="shop.orders"),
)
ORDER = JobOrder(TableRouter(MAPPINGS), EmbedGraph(MAPPINGS))


def job(table: str, kind: JobKind = JobKind.BACKFILL, **options: Any) -> Job:
    return Job.request("s", kind, f"shop.{table}", by="test", options=Options(**options))


def test_where_nothing_waits_there_is_nothing_to_do() -> None:
    assert ORDER.first([]) is None


def test_a_resync_waits_for_the_copies_of_what_its_documents_embed() -> None:
    orders, lines, products = job("orders", JobKind.RESYNC), job("lines"), job("products")

    assert ORDER.first([orders, lines, products]) is products
    assert ORDER.first([orders, lines]) is lines
    assert ORDER.first([orders, products]) is products
    assert ORDER.first([orders]) is orders


def test_jobs_that_have_nothing_to_do_with_each_other_keep_their_order() -> None:
    orders, others = job("orders"), job("others")

    assert ORDER.first([orders, others]) is orders
    assert ORDER.first([others, orders, job("lines")]) is others


def test_what_is_compared_or_retried_neither_waits_nor_is_waited_for() -> None:
    verify, retry, lines = job("orders", JobKind.VERIFY), job("lines", JobKind.RETRY), job("lines")
    orders = job("orders")

    assert ORDER.first([verify, lines]) is verify
    assert ORDER.first([orders, retry]) is orders


def test_a_copy_of_a_collection_that_embeds_nothing_does_not_wait() -> None:
    plain = job("orders", target="plain_orders")

    assert ORDER.first([plain, job("lines")]) is plain


def test_a_job_that_has_begun_goes_on() -> None:
    running = replace(job("orders"), state=JobState.RUNNING)

    assert ORDER.first([running, job("lines")]) is running


class CountingRouter(TableRouter):
    """Counts how often it is asked."""

    asked = 0

    def mappings(self, schema: str, table: str) -> tuple[Mapping, ...]:
        self.asked += 1
        return super().mappings(schema, table)


def test_of_thousands_of_jobs_none_is_compared_with_each_other_one() -> None:
    router = CountingRouter(MAPPINGS)
    jobs = [job("others") for _ in range(2_000)]

    assert JobOrder(router, EmbedGraph(MAPPINGS)).first(jobs) is jobs[0]
    assert router.asked == 1
