"""What is registered stands in the tables of its kind; what cannot be is refused in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from alphastream.backtest import Definition
from alphastream.backtest.definition import KINDS as DEFINED
from alphastream.backtest.own_code import other_code, own_code
from alphastream.errors import ParameterError
from alphastream.feeds import FEEDS
from alphastream.pairs import PairSpec
from alphastream.registry import entry_points as points
from alphastream.registry import extends, find, forget, load_entry_points, loading, register, registered, registered_as
from alphastream.strategies import ZScoreThreshold


@dataclass(frozen=True)
class OwnFee:
    """What a friend takes.

    It is little.
    """

    version = "3"
    bps: float = 1.0

    def fee_bps(self, maker: bool) -> float:
        return self.bps


@dataclass(frozen=True)
class OwnSizer:
    size: float = 1.0

    def series(self, spec: Any) -> dict[str, Any]:
        return {}

    def units(self, ratio: float, row: Any, account: Any, spec: Any) -> tuple[float, float]:
        return self.size, 0.0


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    with loading("test"):
        yield
    forget("test")


def test_a_class_is_known_by_name_file_version_and_code() -> None:
    assert register("costs", OwnFee) is OwnFee
    entry = find("costs", "OwnFee")
    assert (entry.made, entry.version, entry.about, entry.by) == (OwnFee, "3", "What a friend takes.", "test")
    assert entry.file == Path(__file__)
    assert entry.home == "registry/test_registered.py"
    assert len(entry.code) == 16
    assert registered_as(OwnFee(2.0)) is entry
    assert registered_as(OwnSizer()) is None
    assert DEFINED["OwnFee"] is OwnFee


def test_decorators_and_what_a_class_is() -> None:
    assert register("sizers")(OwnSizer) is OwnSizer
    assert register(OwnFee) is OwnFee
    assert [each.kind for each in (*registered("sizers"), *registered("costs"))] == ["sizers", "costs"]
    assert register(OwnFee) is OwnFee  # again: nothing


def test_a_feed_stands_among_the_feeds_until_it_is_forgotten() -> None:
    codec = FEEDS["okx"].fresh(None, None)
    codec.name = "okx-mirror"
    register("feeds", codec)
    assert FEEDS["okx-mirror"] is codec
    forget("test")
    assert "okx-mirror" not in FEEDS
    assert registered("feeds") == ()


def test_a_room_takes_what_was_registered_before_it_was_imported() -> None:
    register("costs", OwnFee)
    table: dict[str, Any] = {"Fees": object()}
    extends("costs", table)
    assert table["OwnFee"] is OwnFee
    with pytest.raises(ParameterError, match=r"OwnFee of registry/test_registered\.py has a name"):
        extends("costs", {"OwnFee": object()})
    forget("test")
    assert list(table) == ["Fees"]


@dataclass(frozen=True)
class Fees:
    """Has the name of a shipped class."""

    def fee_bps(self, maker: bool) -> float:
        return 0.0


@dataclass
class Melted:
    def fee_bps(self, maker: bool) -> float:
        return 0.0


@dataclass(frozen=True)
class Half:
    name: str = ""

    def series(self, spec: Any) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Numbered:
    version = 3

    def fee_bps(self, maker: bool) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("kind", "thing", "words"),
    [
        ("strategy", Half, "'strategy' is no kind of things to register, did you mean 'strategies'\\?: strategies,"),
        ("strategies", Half, "Half lacks pairs, symbols, table, direction_at and decide: one of strategies needs that"),
        ("costs", Half, "Half has none of fee_bps, impact_bps, delay_ns or due: one of costs needs one of them"),
        ("costs", Melted, r"Melted is no frozen dataclass: write @dataclass\(frozen=True\)"),
        ("costs", OwnFee(), "OwnFee is no class: register the class"),
        ("costs", Fees, r"Fees of registry/test_registered\.py cannot be registered: AlphaStream has one"),
        ("costs", Numbered, "Numbered.version is 3: it needs text"),
    ],
)
def test_what_cannot_be_registered(kind: Any, thing: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        register(kind, thing)


def test_what_no_kind_can_be_read_of() -> None:
    with pytest.raises(ParameterError, match="Half has the methods of no kind: say which it is"):
        register(Half)


def _made(name: str, module: str, **members: Any) -> type[Any]:
    return dataclass(frozen=True)(type(name, (), {**members, "__module__": module}))


def test_two_files_with_one_name() -> None:
    other = _made("OwnFee", "elsewhere", fee_bps=OwnFee.fee_bps)
    register("costs", OwnFee)
    with pytest.raises(ParameterError, match="OwnFee of elsewhere cannot be registered: there is one of costs"):
        register("costs", other)
    sizer = _made("OwnFee", __name__, series=OwnSizer.series, units=OwnSizer.units)
    with pytest.raises(ParameterError, match="there is one of costs of that name"):
        register("sizers", sizer)  # a definition would not know which is meant
    assert find("costs", "OwnFee").made is OwnFee


def test_a_class_that_is_written_anew_replaces_itself() -> None:
    register("costs", OwnFee)
    again = _made("OwnFee", __name__, fee_bps=OwnFee.fee_bps)
    register("costs", again)
    assert find("costs", "OwnFee").made is again
    assert DEFINED["OwnFee"] is again


def test_a_strategy_that_is_an_object_is_offered_as_it_is() -> None:
    made = ZScoreThreshold(PairSpec("ETH", "BTC", 10**9, window=33))
    register("strategies", made)
    entry = find("strategies", "z-score ETH/BTC")
    assert (entry.made, entry.module, entry.file) == (made, __name__, Path(__file__))
    definition = Definition(made)
    assert definition.plain()["strategy"] == {"kind": "z-score ETH/BTC"}
    assert Definition.of(definition.plain()).strategy is made
    (code,) = own_code(definition)
    assert (code.name, code.home) == ("z-score ETH/BTC", "registry/test_registered.py")
    assert own_code(Definition(ZScoreThreshold(PairSpec("ETH", "BTC")))) == ()
    forget("test")
    assert other_code((code,)).startswith("for registry/test_registered.py, which has z-score ETH/BTC (hash ")


def test_unknown_names_have_close_matches() -> None:
    register("costs", OwnFee)
    with pytest.raises(ParameterError, match=r"'OwnFees' is not registered among costs, did you mean 'OwnFee'\?"):
        find("costs", "OwnFees")


def test_what_fails_leaves_nothing_behind() -> None:
    def load() -> None:
        with loading("broken"):
            register("costs", OwnFee)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load()
    assert registered("costs") == ()
    assert "OwnFee" not in DEFINED


def test_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        EntryPoint("fee", f"{__name__}:OwnFee", "alphastream.costs"),
        EntryPoint("gone", "no_such_package:Fee", "alphastream.costs"),
        EntryPoint("fees", f"{__name__}:Fees", "alphastream.costs"),
    ]
    monkeypatch.setattr(points, "entry_points", lambda group: [each for each in made if each.group == group])
    load_entry_points.cache_clear()
    try:
        gone, fees = load_entry_points()
    finally:
        load_entry_points.cache_clear()
    assert "gone = no_such_package:Fee" in str(gone)
    assert "No module named 'no_such_package'" in gone.reason
    assert "AlphaStream has one of that name itself" in fees.reason
    assert find("costs", "OwnFee").by.startswith("entry point fee")
    forget(find("costs", "OwnFee").by)
