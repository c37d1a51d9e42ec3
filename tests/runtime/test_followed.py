"""Instruments that were asked for go when nobody looks any more."""

from alphastream.instruments import InstrumentId
from runtime.followed import Followed

SOL, ADA = InstrumentId("binance-usdm", "SOLUSDT"), InstrumentId("binance-usdm", "ADAUSDT")


def test_one_that_is_looked_at_stays_and_the_other_goes_once() -> None:
    followed = Followed(keep_s=10.0)
    followed.asked(SOL, 0.0)
    followed.asked(ADA, 0.0)
    assert followed.unwatched([SOL], 9.0) == ()
    assert followed.unwatched([SOL], 11.0) == (ADA,)
    assert followed.unwatched([], 21.0) == ()
    assert followed.unwatched([], 21.1) == (SOL,)
    assert followed.unwatched([], 100.0) == ()


def test_asking_again_counts_as_a_look() -> None:
    followed = Followed(keep_s=10.0)
    followed.asked(SOL, 0.0)
    followed.asked(SOL, 8.0)
    assert followed.unwatched([], 17.0) == ()
    assert followed.unwatched([], 18.5) == (SOL,)
