"""What a load balancer and Prometheus are told."""

import asyncio

import pytest
from aiohttp import web

from ocpi_hub.ops import health
from ocpi_hub.ops.metrics import Metrics


async def fine():
    return "schema 7"


async def broken():
    raise ConnectionRefusedError("postgresql://hub:password@db.internal")


async def endless():
    await asyncio.sleep(60)
    return "never"


@pytest.fixture
def served(aiohttp_client):
    async def serve(path, endpoint):
        app = web.Application()
        app.router.add_get(path, endpoint)
        return await (await aiohttp_client(app)).get(path)

    return serve


async def test_a_living_process_says_so(served):
    answer = await served("/healthz", health.healthz)
    assert (answer.status, await answer.json()) == (200, {"status": "alive"})


async def test_ready_means_that_every_check_passes(served):
    answer = await served("/readyz", health.readyz({"database": fine, "duties": fine}))
    told = await answer.json()
    assert (answer.status, told["status"]) == (200, "ready")
    assert {name: check["ok"] for name, check in told["checks"].items()} == {
        "database": True,
        "duties": True,
    }
    assert told["checks"]["database"]["detail"] == "schema 7"


async def test_one_failed_check_makes_the_hub_unready_and_is_named_without_its_inside(served):
    answer = await served("/readyz", health.readyz({"database": broken, "duties": fine}))
    told = await answer.json()
    assert (answer.status, told["status"]) == (503, "not ready")
    assert told["checks"]["database"]["detail"] == "ConnectionRefusedError"
    assert told["checks"]["duties"]["ok"] is True
    assert "password" not in await answer.text()


async def test_a_check_that_hangs_has_failed(served):
    answer = await served("/readyz", health.readyz({"database": endless}, deadline_s=0.05))
    told = await answer.json()
    assert (answer.status, told["checks"]["database"]["detail"]) == (503, "TimeoutError")


async def test_many_that_ask_at_once_cost_one_look(aiohttp_client):
    looks = []

    async def counted():
        looks.append(None)
        await asyncio.sleep(0.01)
        return "answers"

    app = web.Application()
    app.router.add_get("/readyz", health.readyz({"database": counted}, kept_s=60))
    client = await aiohttp_client(app)
    answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
    assert [answer.status for answer in answers] == [200] * 20
    assert len(looks) == 1


async def test_an_answer_is_not_kept_for_long(aiohttp_client):
    app = web.Application()
    checks = {"database": fine}
    app.router.add_get("/readyz", health.readyz(checks, kept_s=0))
    client = await aiohttp_client(app)
    assert (await client.get("/readyz")).status == 200
    checks["database"] = broken
    assert (await client.get("/readyz")).status == 503


async def test_metrics_are_prometheus_text(served):
    metrics = Metrics()
    metrics.stations.set(12)
    answer = await served("/metrics", health.metrics(metrics.exposition))
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "ocpi_hub_stations 12.0" in await answer.text()
