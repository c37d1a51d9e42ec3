"""Prices of single precision get the digits they had; others keep all of theirs."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.uploads import read
from alphastream.uploads.digits import as_single


def quoted(count: int, decimals: int, level: float, seed: int = 0) -> Floats:
    """Prices as an exchange quotes them."""
    steps = np.random.default_rng(seed).normal(size=count)
    return np.round(level * np.exp(np.cumsum(0.01 * steps)), decimals)


@pytest.mark.parametrize(("decimals", "level"), [(2, 9.74), (2, 185.64), (4, 1.0923), (5, 0.12345), (1, 64_000.0)])
@pytest.mark.parametrize("count", [2, 5, 20, 2_000])
def test_quoted_prices_come_back(decimals: int, level: float, count: int) -> None:
    prices = quoted(count, decimals, level)
    kept = prices.astype(np.float32).astype(np.float64)
    found = as_single([kept])
    if found is not None:
        np.testing.assert_array_equal(found[0], prices)
    assert (found is not None) == (len(np.unique(kept[kept != prices])) > 2)


@pytest.mark.parametrize("form", ["%.15f", "%.10f", "%.8f"])
def test_eight_decimals_of_it_are_enough(form: str) -> None:
    prices = quoted(500, 2, 100.0)
    written = np.array([float(form % value) for value in prices.astype(np.float32).astype(np.float64)])
    found = as_single([written, written[::-1]])
    assert found is not None
    np.testing.assert_array_equal(found, [prices, prices[::-1]])


OTHERS = {
    "quoted": quoted(1_000, 2, 100.0),
    "adjusted in 64 bits": quoted(1_000, 2, 100.0) * 0.98765432109,
    "whole": np.arange(1.0, 1_000.0),
    "nine digits": quoted(1_000, 4, 60_000.0),
    "256ths of a point": 109 + np.arange(512) / 256,
    "64ths of a point": 109 + np.arange(128) / 64,
    "large": quoted(100, 2, 1e38) * 1e3,
    "tiny": quoted(100, 12, 1e-8),
    "six decimals of 32 bits": np.round(quoted(100, 2, 100.0).astype(np.float32).astype(np.float64), 6),
    "empty": np.full(5, np.nan),
    "one of 64 bits among them": np.r_[quoted(500, 2, 100.0).astype(np.float32).astype(np.float64), 100.01],
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_numbers_are_left_alone(what: str) -> None:
    assert as_single([OTHERS[what]]) is None
    assert as_single([OTHERS[what][:2]]) is None or "among them" in what


def test_a_file_is_read_as_it_is_written() -> None:
    """No price that the file does not say; what is shown and exported is another matter."""
    written = [f"{np.float32(price):.10f}" for price in quoted(50, 2, 60.0)]
    lines = [f"2024-01-01 00:00:{second:02},AAA,{price},1" for second, price in enumerate(written)]
    upload = read("ticks.csv", "\n".join(["time,symbol,price,size", *lines]).encode())
    assert upload.frames["AAA"]["price"].tolist() == [float(price) for price in written]
