"""Which venue is taken: the first that serves this computer."""

from typing import Any

import pytest

from alphastream.feeds.feed import FeedState, FeedStats, Health
from alphastream.instruments import InstrumentId
from runtime.connections.venue_choice import PATIENCE_S, VenueChoice


def health(state: FeedState, reason: str = "waits", ticks: int = 0, next_attempt_ns: int | None = None) -> Health:
    stats = FeedStats(ticks=ticks)
    return stats.snapshot("A venue", (), (state, reason, 0, next_attempt_ns))


def of(*venues: str) -> tuple[tuple[InstrumentId, ...], ...]:
    return tuple((InstrumentId(venue, "BTCUSDT"), InstrumentId(venue, "ETHUSDT")) for venue in venues)


def refusal(reason: str) -> Health:
    return health("blocked", reason, next_attempt_ns=1)


def test_a_refusal_of_this_place_is_left_at_once_and_told() -> None:
    choice = VenueChoice(of("a", "b", "c"))
    assert choice.looked(refusal("A refuses this place"), 0.0)
    assert choice.looked(refusal("B refuses this place"), 0.1)
    assert choice.venue == "c"
    assert choice.why == "A refuses this place; B refuses this place"


def test_where_all_refuse_none_is_asked_again_and_again() -> None:
    choice = VenueChoice(of("a", "b"))
    assert choice.looked(refusal("A bans this address"), 0.0)
    assert choice.looked(refusal("B refuses this place"), 0.1)
    assert choice.venue == "a"
    assert not choice.looked(refusal("A bans this address"), 0.2)
    assert not choice.looked(refusal("A bans this address"), 2.0 * PATIENCE_S[0])
    assert choice.looked(refusal("A bans this address"), 2.0 * PATIENCE_S[0] + 0.3)
    assert choice.venue == "b"


def test_one_without_trades_is_left_after_a_while_later_in_each_round() -> None:
    choice, now_s = VenueChoice(of("a", "b")), 0.0
    for patience_s in (PATIENCE_S[0],) * 2 + (2.0 * PATIENCE_S[0],) * 2:
        venue = choice.venue
        assert not choice.looked(health("connecting"), now_s)
        assert not choice.looked(health("connecting"), now_s + patience_s - 0.1)
        assert choice.venue == venue
        now_s += patience_s + 0.1
        assert choice.looked(health("connecting", "no answer"), now_s)
        assert choice.venue != venue
    assert choice.why == "A venue: no trade came (no answer)"


def test_one_that_brought_trades_is_kept_whatever_happens_to_it() -> None:
    choice = VenueChoice(of("a", "b"))
    assert not choice.looked(health("live", ticks=1), 0.0)
    assert choice.is_settled
    assert not choice.looked(refusal("banned"), 1_000.0)
    assert choice.venue == "a"


@pytest.mark.parametrize(
    ("venues", "seen"), [(("a",), {"next_attempt_ns": 1}), (("a", "b"), {"next_attempt_ns": None})]
)
def test_where_no_other_venue_would_help_there_is_no_next(venues: tuple[str, ...], seen: dict[str, Any]) -> None:
    choice = VenueChoice(of(*venues))
    assert not choice.looked(health("blocked", "none of these symbols is listed", **seen), 0.0)
    assert choice.venue == "a"
