"""What a published file is, by its name and its folders."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphastream.errors import ParameterError, UploadError
from alphastream.feeds import FEEDS
from alphastream.history.published import VENUES, candidates, recognise
from tests.history_files.archive import spot, um


@pytest.mark.parametrize(
    ("path", "content", "instrument", "interval", "first", "after"),
    [
        (
            "data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip",
            *("aggTrades", "binance-usdm:BTCUSDT", "", "2024-08-08", "2024-08-09"),
        ),
        (
            "data/futures/um/monthly/trades/ETHUSDT/ETHUSDT-trades-2023-12.zip",
            *("trades", "binance-usdm:ETHUSDT", "", "2023-12-01", "2024-01-01"),
        ),
        (
            "data/futures/um/daily/bookTicker/BTCUSDT_240927/BTCUSDT_240927-bookTicker-2024-02-29.zip",
            *("bookTicker", "binance-usdm:BTCUSDT_240927", "", "2024-02-29", "2024-03-01"),
        ),
        (
            "um/futures/um/monthly/fundingRate/1000PEPEUSDT/1000PEPEUSDT-fundingRate-2024-08.zip",
            *("fundingRate", "binance-usdm:1000PEPEUSDT", "", "2024-08-01", "2024-09-01"),
        ),
        (
            "data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip",
            *("klines", "binance-spot:BTCUSDT", "1m", "2025-01-01", "2025-02-01"),
        ),
        (
            "data/spot/daily/aggTrades/币安人生USDT/币安人生USDT-aggTrades-2025-10-08.csv",
            *("aggTrades", "binance-spot:币安人生USDT", "", "2025-10-08", "2025-10-09"),
        ),
        (
            "public_data/spot/daily/trades/BTCUSD/BTCUSD-trades-2024-08-08.csv.gz",
            *("trades", "binance-us:BTCUSD", "", "2024-08-08", "2024-08-09"),
        ),
    ],
)
def test_names_and_folders_say_it_all(
    path: str, content: str, instrument: str, interval: str, first: str, after: str
) -> None:
    found = recognise(Path(path))
    assert (found.content, found.instrument, found.interval) == (content, instrument, interval)
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, after))
    assert (found.start_ns, found.end_ns) == (int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9)


def test_a_file_on_its_own_needs_its_venue() -> None:
    path = Path("downloads/BTCUSDT-1h-2024-08.zip")
    with pytest.raises(UploadError, match="which market it is of: give --venue binance-usdm, binance-spot or bin"):
        recognise(path)
    found = recognise(path, "binance-us")
    assert found.instrument == "binance-us:BTCUSDT"
    assert found.interval_ns == 3_600 * 10**9


def test_venues_are_those_that_are_connected_to() -> None:
    assert set(VENUES) <= FEEDS.keys()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("data/futures/cm/daily/aggTrades/BTCUSD_PERP/BTCUSD_PERP-aggTrades-2024-08-08.zip", "COIN-M futures count"),
        ("data/futures/um/daily/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-08-08.zip", "markPriceKlines are no bars"),
        ("data/futures/um/daily/aggTrades/ETHUSDT/BTCUSDT-aggTrades-2024-08-08.zip", "one of them is wrong"),
        ("data/futures/um/daily/klines/BTCUSDT/5m/BTCUSDT-1m-2024-08-08.zip", "daily/klines/BTCUSDT/1m, its folders"),
        ("data/futures/um/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip", "one of them is wrong"),
        ("data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2024-08.zip", "bars of 1mo have no fixed length"),
        ("data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-13-08.zip", "2024-13-08 is no date"),
        ("data/spot/daily/aggTrades/BTCUSDT/notes.txt", "not called as a published file"),
    ],
)
def test_what_is_not_imported_is_told_in_one_sentence(path: str, told: str) -> None:
    with pytest.raises(UploadError, match=told) as raised:
        recognise(Path(path))
    assert str(raised.value).startswith(Path(path).name)
    assert "\n" not in str(raised.value)


def test_folders_and_venue_must_agree() -> None:
    path = Path("data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip")
    with pytest.raises(UploadError, match="its folders say binance-spot, --venue says binance-usdm"):
        recognise(path, "binance-usdm")
    with pytest.raises(ParameterError, match="published files are of binance-usdm"):
        recognise(Path("BTCUSDT-aggTrades-2024-08-08.zip"), "kraken-spot")
    with pytest.raises(UploadError, match="pays no funding"):
        recognise(Path("BTCUSDT-fundingRate-2024-08.zip"), "binance-spot")


def test_folders_are_searched_for_what_is_published(tmp_path: Path) -> None:
    wanted = [
        um(tmp_path, "daily", "aggTrades", "BTCUSDT", "2024-08-08"),
        spot(tmp_path, "daily", "klines", "A", "2024-08-08", "1m"),
    ]
    for path in wanted:
        path.parent.mkdir(parents=True)
        path.touch()
        path.with_name(f"{path.name}.CHECKSUM").touch()
        path.with_name("readme.txt").touch()
    assert sorted(candidates([tmp_path])) == sorted(wanted)
    beside = wanted[0].with_name(f"{wanted[0].name}.CHECKSUM")
    assert list(candidates([wanted[0], beside])) == wanted[:1]
    with pytest.raises(ParameterError, match="there is no file or folder"):
        list(candidates([tmp_path / "nowhere"]))
    with pytest.raises(ParameterError, match="holds no published file"):
        list(candidates([_empty(tmp_path)]))


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
