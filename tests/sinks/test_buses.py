"""What every bus does: nothing is lost, what was not acknowledged comes again, readers and sources are apart."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphastream.errors import BusError, ParameterError
from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch, Bus, Consumer, MemoryBus, open_bus, open_sink
from alphastream.sinks.addresses import without_credentials
from tests.servers import free_ports, nats_server, need, redis_server
from tests.sinks.trades import BTC, batches, same, trades

Opened = Callable[[], Bus]


@pytest.fixture(params=["memory", "nats", "kafka", "redis"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens another connection to one bus."""
    opened: list[Bus] = []
    if request.param == "memory":
        memory = MemoryBus()
        yield lambda: memory
        memory.close()
        return
    if request.param == "kafka":
        need("confluent_kafka")
        import confluent_kafka

        # librdkafka's own broker, in this process: it speaks the protocol over sockets.
        broker = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
        (found,) = broker.list_topics(timeout=20).brokers.values()

        def open_kafka() -> Bus:
            opened.append(open_bus(f"kafka://{found.host}:{found.port}"))
            return opened[-1]

        yield open_kafka
        for each in opened:
            each.close()
        return
    need(request.param)
    log = ("--appendonly", "yes")
    served = nats_server(tmp_path / "nats") if request.param == "nats" else redis_server(tmp_path / "redis", *log)
    with served as server:

        def connect() -> Bus:
            opened.append(open_bus(f"{request.param}://127.0.0.1:{server.port}"))
            return opened[-1]

        yield connect
        for each in opened:
            each.close()


def received(consumer: Consumer, ticks: int) -> list[Batch]:
    """Batches until so many ticks have come."""
    found: list[Batch] = []
    for _ in range(600):
        if sum(len(batch.ticks) for batch in found) >= ticks:
            return found
        found += consumer.receive(0.1)
    raise AssertionError(f"{sum(len(batch.ticks) for batch in found)} of {ticks} ticks came")


def ids(found: list[Batch]) -> list[int]:
    return [number for batch in found for number in batch.ticks.id.tolist()]


def test_all_comes_in_order_and_bit_for_bit(bus: Opened) -> None:
    sent = batches(20_000)
    here = bus()
    for batch in sent:
        here.publish(batch)
    here.flush(20)
    consumer = bus().subscribe("binance-usdm", "reader")
    found = received(consumer, 20_000)
    assert len(found) == len(sent)
    assert all(same(one.ticks, other.ticks) for one, other in zip(found, sent, strict=True))
    assert consumer.is_connected
    assert consumer.damaged == 0


def test_what_was_not_acknowledged_comes_again(bus: Opened) -> None:
    here = bus()
    for batch in batches(1_000):
        here.publish(batch)
    here.flush(20)
    first = bus()
    consumer = first.subscribe("binance-usdm", "reader")
    received(consumer, 1_000)
    consumer.close()
    again = bus().subscribe("binance-usdm", "reader")
    assert ids(received(again, 1_000)) == list(range(1, 1_001))
    again.ack()
    for batch in batches(100, first=1_001):
        here.publish(batch)
    if here.name != "memory":  # there a flush waits for the readers
        here.flush(20)
    assert ids(received(again, 100)) == list(range(1_001, 1_101))
    again.ack()
    again.close()
    last = bus().subscribe("binance-usdm", "reader")
    assert not last.receive(0.3)


def test_readers_and_sources_are_apart(bus: Opened) -> None:
    here = bus()
    ether = InstrumentId("binance-usdm", "ETHUSDT")
    here.publish(Batch(BTC, trades(1, 10)))
    here.publish(Batch(ether, trades(1, 20)))
    here.publish(Batch(InstrumentId("kraken", "BTC/USD"), trades(1, 30)))
    here.publish(Batch(BTC, trades(1, 40), host="10.0.0.1"))
    here.flush(20)
    assert sorted(here.sources()) == ["binance-usdm", "binance-usdm@10.0.0.1", "kraken"]
    if here.name.startswith("kafka"):
        assert list(here.instruments("kraken")) == []  # brokers do not know
    else:
        assert list(here.instruments("binance-usdm")) == [BTC, ether]
        assert list(here.instruments("kraken")) == ["kraken:BTC/USD"]
    one, other = (bus().subscribe("binance-usdm", name) for name in ("one", "other"))
    assert len(ids(received(one, 30))) == len(ids(received(other, 30))) == 30
    (foreign,) = received(bus().subscribe("binance-usdm@10.0.0.1", "one"), 40)
    assert (foreign.host, len(foreign.ticks)) == ("10.0.0.1", 40)


def test_closed_is_closed(bus: Opened) -> None:
    here = bus()
    here.publish(batches(100)[0])
    here.flush(20)
    consumer = here.subscribe("binance-usdm", "reader")
    consumer.close()
    with pytest.raises(BusError, match="closed"):
        consumer.receive(0.1)
    here.close()
    here.close()
    with pytest.raises(BusError, match="closed"):
        here.publish(batches(100)[0])


def test_memory_is_flushed_once_its_readers_have_acknowledged() -> None:
    bus = MemoryBus()
    bus.publish(batches(100)[0])
    bus.flush(0.1)  # there is nobody to wait for
    consumer = bus.subscribe("binance-usdm", "reader")
    consumer.receive(1)
    with pytest.raises(BusError, match="have not acknowledged all"):
        bus.flush(0.1)
    consumer.ack()
    bus.flush(0.1)


def test_memory_waits_for_a_reader_that_is_behind_and_forgets_what_all_have() -> None:
    bus = MemoryBus(most_messages=10)
    for batch in batches(2_000):  # nobody reads: the oldest go
        bus.publish(batch)
    consumer = bus.subscribe("binance-usdm", "reader")
    assert ids(list(consumer.receive(1)))[0] == 1_001

    def publish_more() -> None:
        for batch in batches(500, first=2_001):
            bus.publish(batch)

    late = threading.Thread(target=publish_more)
    late.start()
    late.join(0.2)
    assert late.is_alive()
    consumer.ack()
    late.join(20)
    assert not late.is_alive()
    assert ids(list(consumer.receive(1))) == list(range(2_001, 2_501))


def test_redis_without_a_log_is_refused(tmp_path: Path) -> None:
    need("redis")
    with redis_server(tmp_path / "redis", "--requirepass", "secret-word") as server:
        bus = open_bus(f"redis://:secret-word@127.0.0.1:{server.port}")
        with pytest.raises(BusError, match=r"keeps no log of what it is told \(appendonly is no\)") as failure:
            bus.publish(batches(100)[0])
        assert "secret-word" not in f"{failure.value}{bus.name}"
        bus.close()


def test_redis_with_a_log_survives_a_kill(tmp_path: Path) -> None:
    need("redis")
    with redis_server(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server:
        bus = open_bus(f"redis://127.0.0.1:{server.port}")
        for batch in batches(20_000):
            bus.publish(batch)
        bus.flush(20)
        consumer = bus.subscribe("binance-usdm", "reader")
        consumer.receive(1)  # given, and not acknowledged
        server.kill()
        bus.publish(batches(100)[0])
        with pytest.raises(BusError):
            bus.flush(1)
        bus.close()
        server.start()
        again = open_bus(f"redis://127.0.0.1:{server.port}")
        found = ids(received(again.subscribe("binance-usdm", "reader"), 20_000))
        assert sorted(found) == list(range(1, 20_001))
        again.close()


def test_nats_drops_what_is_sent_twice(tmp_path: Path) -> None:
    need("nats")
    with nats_server(tmp_path / "nats") as server:
        bus = open_bus(f"nats://127.0.0.1:{server.port}")
        for _ in range(3):
            for batch in batches(1_000):
                bus.publish(batch)
            bus.flush(20)
        consumer = bus.subscribe("binance-usdm", "reader")
        assert ids(received(consumer, 1_000)) == list(range(1, 1_001))
        assert not consumer.receive(0.3)
        bus.close()


def test_nats_goes_on_after_a_broker_that_was_away(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats").start()
    with server:
        bus = open_bus(f"nats://127.0.0.1:{server.port}")
        consumer = bus.subscribe("binance-usdm", "reader")
        bus.publish(batches(100)[0])
        bus.flush(20)
        assert len(received(consumer, 100)) == 1
        server.kill()
        bus.publish(Batch(BTC, trades(101, 100)))
        with pytest.raises(BusError, match="has not acknowledged 1 messages"):
            bus.flush(0.5)
        server.start()
        bus.publish(Batch(BTC, trades(101, 100)))
        bus.flush(60)
        assert set(ids(received(consumer, 200))) >= set(range(101, 201))
        bus.close()


def test_an_address_that_nobody_answers_at_is_told_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    need("nats")
    (port,) = free_ports(1)
    from alphastream.sinks.nats_jetstream import NatsBus

    bus = NatsBus(f"nats://me:secret-word@127.0.0.1:{port}", timeout_s=1.0)
    with pytest.raises(BusError, match=f"nats://127.0.0.1:{port} cannot be reached") as failure:
        bus.publish(batches(100)[0])
    bus.close()
    assert "secret-word" not in f"{failure.value}{caplog.text}{bus.name}"


def test_credentials_are_used_and_not_told(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats")
    configuration = Path(server.command[-1])
    with configuration.open("a") as more:
        more.write('authorization { user: "me", password: "secret-word" }\n')
    with server:
        bus = open_bus(f"nats://me:secret-word@127.0.0.1:{server.port}")
        bus.publish(batches(100)[0])
        bus.flush(20)
        bus.close()
        from alphastream.sinks.nats_jetstream import NatsBus

        wrong = NatsBus(f"nats://me:other-word@127.0.0.1:{server.port}", timeout_s=1.0)
        with pytest.raises(BusError) as failure:
            wrong.publish(batches(100)[0])
        assert "other-word" not in str(failure.value)
        wrong.close()


def test_addresses() -> None:
    with pytest.raises(ParameterError, match="begins with one of nats://"):
        open_bus("amqp://me:secret@host")
    assert without_credentials("nats://a:b@one,two") == "nats://one,two"
    assert without_credentials("nats://[::1]:4222,two") == "nats://[::1]:4222,two"
    assert without_credentials("nats://me:secret") == "nats://me"


@pytest.mark.parametrize("sign", ["@", "/", "?", "#", ",", " ", ":", "[", "@x@"])
@pytest.mark.parametrize("address", ["{}://me:hush{}quiet@host:1", "{}://host:1,me:hush{}quiet@two"])
@pytest.mark.parametrize("scheme", ["nats", "redis", "postgresql"])
def test_no_sign_in_a_password_lets_it_be_seen(scheme: str, address: str, sign: str) -> None:
    text = address.format(scheme, sign)
    said = without_credentials(text)
    try:
        need({"nats": "nats", "redis": "redis", "postgresql": "psycopg"}[scheme])
        opened = open_sink(text)
        said += opened.name
        opened.close()
    except ParameterError as error:
        said += str(error)
    assert "hush" not in said
    assert "quiet" not in said
