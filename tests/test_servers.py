"""The servers that other tests start do start, answer, and go on after a kill."""

import asyncio
import urllib.request
from pathlib import Path

import pytest

from tests.servers import free_ports, moto_s3, nats_cluster, nats_server, need, postgres


def test_what_is_missing_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs no-such-server, which is not installed here"):
        need("no-such-server")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="needs no_such_package"):
        need("no_such_package")
    assert Path(need("pytest")).exists()
    assert need("numpy").endswith("__init__.py")


def test_ports_differ() -> None:
    assert len(set(free_ports(5))) == 5


def test_nats_keeps_a_message_through_a_kill(tmp_path: Path) -> None:
    need("nats")
    import nats

    async def publish(address: str) -> None:
        client = await nats.connect(address)
        stream = client.jetstream()
        await stream.add_stream(name="kept", subjects=["kept.>"])
        await stream.publish("kept.one", b"one")
        await client.close()

    async def messages(address: str) -> int:
        client = await nats.connect(address)
        info = await client.jetstream().stream_info("kept")
        await client.close()
        return int(info.state.messages)

    with nats_server(tmp_path / "nats") as server:
        address = f"nats://127.0.0.1:{server.port}"
        asyncio.run(publish(address))
        server.kill()
        server.start()
        assert asyncio.run(messages(address)) == 1


def test_three_nats_nodes_make_a_cluster(tmp_path: Path) -> None:
    need("nats")
    import nats

    async def replicas(address: str) -> int:
        client = await nats.connect(address)
        for _ in range(200):
            try:
                info = await client.jetstream().add_stream(name="kept", subjects=["kept.>"], num_replicas=3)
                break
            except nats.errors.Error:  # the three have not found each other yet
                await asyncio.sleep(0.1)
        await client.close()
        assert info.cluster is not None
        assert info.cluster.replicas is not None
        return len(info.cluster.replicas)

    nodes = nats_cluster(tmp_path)
    try:
        for node in nodes:
            node.start()
        assert asyncio.run(replicas(f"nats://127.0.0.1:{nodes[0].port}")) == 2  # beside the leader
    finally:
        for node in nodes:
            node.stop()


def test_postgres_answers() -> None:
    need("psycopg")
    import psycopg

    with postgres() as address, psycopg.connect(address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_moto_answers(tmp_path: Path) -> None:
    with moto_s3(tmp_path) as server, urllib.request.urlopen(f"http://127.0.0.1:{server.port}/") as answer:
        assert b"ListAllMyBucketsResult" in answer.read()
