"""What a column is, by its cells; and which columns are prices of one thing."""

import numpy as np
import pytest

from alphastream.uploads.contents import (
    as_numbers,
    content_of,
    price_like,
    roughness,
    same_prices,
    surely_times,
    unleaping,
)

RNG = np.random.default_rng(7)
WALK = 50_000 * np.exp(np.cumsum(RNG.normal(0, 0.001, 1000)))


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("empty", ["", " ", "null"]),
        ("time", ["1722470400000", "1722474000000"]),
        ("time", ["1640995200.123456", "1640995201.123456"]),
        ("time", ["2024-08-08 09:30:00", "2024-08-08 09:31:00"]),
        ("time", ["2024-08-08T09:30:00Z"]),
        ("date", ["2024-08-08", "2024-08-09"]),
        ("date", ["20240808", "20240809"]),
        ("date", ["2007.07.19", "2007.07.20"]),
        ("date", ["09/30/2014"]),
        ("date", ["07-Aug-2024"]),
        ("clock", ["03:00", "04:00"]),
        ("clock", ["09:30:01.456"]),
        ("duration", ["PT1M", "PT1M"]),
        ("index", ["0", "1", "2"]),
        ("counter", ["1234567", "1234568", "1234570"]),
        ("flag", ["0", "1", "0"]),
        ("flag", ["1", "2", "1"]),
        ("constant", ["100", "100", "100"]),
        ("price", ["55108.7", "55108.6", "55109"]),
        ("price", ["1.38080", "1.3794", "1.3795"]),
        ("price", ["7203", "7211", "7190"]),
        ("amount", ["0.01", "3.2", "0", "0.5"]),
        ("signed", ["-0.5", "1.2", "0.1"]),
        ("percent", ["-0.5%", "1.2%", "0.1 %"]),
        ("truth", ["True", "False"]),
        ("side", ["buy", "Sell"]),
        ("side", ["b", "s"]),
        ("side", ["A", "B", "N"]),
        ("symbol", ["AAPL", "AAPL", "AAPL"]),
        ("symbol", ["BTC/USDT:USDT", "ETH/USDT:USDT"]),
        ("symbol", ["sh.600000", "sz.000001"]),
        ("text", ["TRADE", "TRADE"]),
        ("list", ["12,37", "14", "12,37,41"]),
        ("list", ["[12, 37]", "[]"]),
        ("text", ["a longer remark", "another one"]),
    ],
)
def test_kind(kind: str, cells: list[str]) -> None:
    assert content_of(cells).kind == kind


def test_one_bad_cell_hides_nothing() -> None:
    content = content_of(["3201.5", "?", "3188.2"])
    assert content.kind == "price"
    np.testing.assert_array_equal(content.values, [3201.5, np.nan, 3188.2])


def test_volumes_of_ten_digits_are_no_times() -> None:
    volumes = ["1890000000", "2500000000", "1210000000", "3100000000", "990000000"]
    assert content_of(volumes).kind == "amount"


def test_decimal_comma() -> None:
    assert content_of(["7530,86", "7411,86"], ",").kind == "price"


def test_prices_move_little_and_amounts_much() -> None:
    amounts = RNG.lognormal(0, 1, 1000)
    assert price_like(WALK)
    assert price_like(1e-8 * WALK)
    assert not price_like(amounts)
    assert not price_like(-WALK)
    assert not price_like(np.full(5, 100.0))
    assert roughness(WALK) < 0.01 < roughness(amounts)
    assert np.isnan(roughness(np.array([1.0])))


def test_prices_of_one_thing_are_near_one_another() -> None:
    assert same_prices([WALK, WALK * 1.01, WALK * 0.99])
    assert not same_prices([WALK, WALK * 20])
    assert not same_prices([WALK, RNG.lognormal(0, 1, 1000)])


def test_a_volume_near_the_prices_leaps() -> None:
    bars = [np.array([100.1, 100.6]), np.array([100.8, 101.0]), np.array([99.9, 100.2]), np.array([100.5, 100.9])]
    assert unleaping([*bars, np.array([91.0, 79.0])]) == [0, 1, 2, 3]
    assert unleaping([*bars, np.array([99.0, 99.4])]) == [0, 1, 2, 3, 4]


def test_ids_of_ten_digits_are_numbers_where_they_are_no_times() -> None:
    ids, times = content_of(["3700000001", "3700000002"]), content_of(["1723075200064", "1723075200065"])
    assert (ids.kind, as_numbers(ids).kind) == ("time", "counter")
    assert (surely_times(ids), surely_times(times), surely_times(content_of(["2024-08-08"]))) == (False, True, True)
