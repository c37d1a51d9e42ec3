"""A tape whose older ticks are in files: it opens, writes and is salvaged also where these cannot be read."""

import shutil
from pathlib import Path

import pytest

from alphastream.core.units import DAY
from alphastream.events import Tick
from runtime.stores.pages import PAGE
from storage import Origin, TickStore
from tests.runtime.stores.tape_files import ids
from tests.servers import free_ports

BEGIN = 20_000 * DAY
ALL = (0, 2**62)
OKX, BYBIT = Origin("okx", "www.okx.com"), Origin("bybit-linear", "stream.bybit.com")
NAMES = {OKX: "okx:BTC-USDT", BYBIT: "bybit-linear:BTCUSDT"}


def ticks(origin: Origin, *numbers: int) -> list[Tick]:
    """A trade an hour of these ids."""
    return [Tick(NAMES[origin], each, 100.0, 1.0, BEGIN + each * DAY // 24, BEGIN, False) for each in numbers]


def sealed(folder: Path, origin: Origin, *numbers: int) -> Path:
    """A tape file with these ticks, whose first day is in the history beside it."""
    path = folder / f"{origin.venue}.db"
    with TickStore(path, origin=origin, history=folder / "history") as store:
        assert store.append(ticks(origin, *numbers)) == len(numbers)
        assert store.seal(BEGIN + DAY) > 0
    return path


def damage(history: Path) -> str:
    """Damage every file; the place as it is named."""
    for file in history.rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    return str(history)


def replace(history: Path) -> str:
    """Put a file where the folder was."""
    shutil.rmtree(history)
    history.write_text("no folder")
    return str(history)


def bucket(_: Path) -> str:
    """A bucket on a server that does not answer."""
    return "s3://tapes/history"


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("fault", [damage, replace, bucket])
def test_a_tape_opens_without_its_history(fault: object, read_only: bool, tmp_path: Path) -> None:
    path = sealed(tmp_path, OKX, *range(40))
    assert callable(fault)
    with TickStore(path, origin=OKX, history=fault(tmp_path / "history"), read_only=read_only) as store:
        assert ids(store.since(NAMES[OKX])) == list(range(24, 40))
        assert store.gaps(NAMES[OKX]) == []
        assert "sealed-0-23-0" in store.health.notices[-1]
        if not read_only:
            assert store.append(ticks(OKX, *range(50))) == 10, "sealed ids are known"


def test_late_ticks_are_written_while_the_history_does_not_answer(tmp_path: Path) -> None:
    path = sealed(tmp_path, BYBIT, *range(0, 80, 2))
    with TickStore(path, origin=BYBIT, history=tmp_path / "history") as store:
        damage(tmp_path / "history")
        store.append(ticks(BYBIT, 7, 81))
        store.flush()
        assert store.health.last_error is None


def test_salvage_keeps_late_ticks_between_the_ids_of_a_sealed_file(tmp_path: Path) -> None:
    path = sealed(tmp_path, BYBIT, *range(0, 80, 2))
    with TickStore(path, origin=BYBIT, history=tmp_path / "history") as store:
        assert store.append(ticks(BYBIT, 7, 11, 81)) == 3
    with path.open("r+b") as file:
        file.write(b"\xa5" * PAGE)
    with TickStore(path, origin=BYBIT, history=tmp_path / "history") as store:
        assert "was damaged" in store.health.notices[0]
        assert ids(store.window(NAMES[BYBIT], *ALL)) == sorted([*range(0, 80, 2), 7, 11, 81])


def test_salvage_keeps_what_is_sealed_and_asks_for_none_of_it_again(tmp_path: Path) -> None:
    path = sealed(tmp_path, OKX, *range(80))
    with path.open("r+b") as file:
        file.write(b"\xa5" * PAGE)
    with TickStore(path, origin=OKX, history=tmp_path / "history") as store:
        assert ids(store.window(NAMES[OKX], *ALL)) == list(range(80))
        assert store.gaps(NAMES[OKX]) == []
        assert store.append(ticks(OKX, *range(80))) == 0


def test_the_times_beside_a_gap_cost_a_file_once(tmp_path: Path) -> None:
    path = sealed(tmp_path, OKX, *range(10), *range(12, 80))
    with TickStore(path, origin=OKX, history=tmp_path / "history", ring_ticks=10) as store:
        (gap,) = store.gaps(NAMES[OKX])
        wanted = BEGIN + 9 * DAY // 24, BEGIN + 12 * DAY // 24
        assert store.times_around(NAMES[OKX], gap) == wanted
        damage(tmp_path / "history")  # would be noticed by who reads it again
        assert store.times_around(NAMES[OKX], gap) == wanted
