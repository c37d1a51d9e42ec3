"""The form of a class that somebody registered, made from its fields: type, default, range, unit and help."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, is_dataclass, replace
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import streamlit as st

from alphastream.bar_rows import BarsSpec
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import interval_name
from alphastream.pairs import PairSpec
from alphastream.registry import Parameter, parameters_of
from config import Settings
from views.shared.controls import HELP, INTERVALS_S, pair_controls, take_names
from views.shared.escaping import in_markdown
from views.shared.instruments import as_shown, asked, label

WIDTH: Final = 170
MAX_INTEGER: Final = 2**53 - 1  # what a browser counts to


@dataclass(frozen=True, slots=True)
class Offered:
    """What a form can offer.

    Parameters
    ----------
    symbols : instruments there are.
    settings : where pairs and bars begin; None where a form has none of them.
    venue : of symbols that are written without one.
    shortest_s : no shorter bars are offered.
    open_list : whether names that are not in the list may be typed.
    begin : values by parameter that a form begins with, instead of defaults.
    in_address : whether choices stand in the address.
    controls : of types that have a control of their own: what asks for one in a row.
    """

    symbols: Sequence[str] = ()
    settings: Settings | None = None
    venue: str = ""
    shortest_s: int = 1
    open_list: bool = False
    begin: Mapping[str, Any] = field(default_factory=dict)
    in_address: bool = True
    controls: Mapping[Any, Callable[[Any], Any]] = field(default_factory=dict)


class _NotChosenError(Exception):
    """A control is not filled in yet, and has said so."""


def form(cls: type[Any], offered: Offered, prefix: str = "") -> Any:
    """Ask for the parameters of a class, and make it.

    Parameters
    ----------
    prefix : of the controls' keys, which stand in the address; the class's name where none is given.

    Returns
    -------
    The object; None, and a sentence on the page, while something is not chosen.

    Raises
    ------
    AlphaStreamError
        Where the class refuses what was chosen, or a field has a type that no control is for; in words.
    """
    try:
        return _made(cls, offered, prefix or cls.__name__)
    except _NotChosenError:
        return None


def require(cls: type[Any], offered: Offered, prefix: str = "") -> Any:
    """The same where nothing goes on without it. Raises AlphaStreamError, also while something is not chosen."""
    made = form(cls, offered, prefix)
    if made is None:
        raise ParameterError(f"{cls.__name__} is not complete: choose what is empty above")
    return made


def _made(cls: type[Any], offered: Offered, prefix: str) -> Any:
    asked_for = [
        replace(
            each,
            default=offered.begin.get(each.name, each.default),
            label=in_markdown(each.label),
            help=in_markdown(each.help),
        )
        for each in parameters_of(cls)
    ]
    whole = [each for each in asked_for if each.kind in (PairSpec, BarsSpec)]
    if sum(each.kind is PairSpec for each in whole) > 1:
        raise ParameterError(f"{cls.__name__} has several pairs as fields, a form has one: give it one PairSpec")
    values = {each.name: _whole(each, offered, f"{prefix}_{each.name}") for each in whole}
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    for each in asked_for:
        if each not in whole:
            value = _ask(row, cls, each, offered, f"{prefix}_{each.name}")
            if value is not MISSING:
                values[each.name] = value
    try:
        return cls(**values)
    except AlphaStreamError:
        raise
    except Exception as error:
        raise ParameterError(f"{cls.__name__} refuses this ({type(error).__name__}: {error})") from error


def _whole(of: Parameter, offered: Offered, key: str) -> Any:
    """A pair, or bars of instruments: what has controls in a row of its own."""
    if offered.settings is None:
        raise ParameterError(f"{of.name} is a pair or bars: that is a strategy's to ask for, remove the field")
    if of.kind is BarsSpec:
        return _bars(of, offered, offered.settings, key)
    pair = pair_controls(
        offered.symbols,
        offered.settings,
        venue=offered.venue,
        shortest_s=offered.shortest_s,
        open_list=offered.open_list,
    )
    if pair is None:
        raise _NotChosenError
    return pair


def _bars(of: Parameter, offered: Offered, settings: Settings, key: str) -> BarsSpec:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    symbols = _symbols(row, of, offered, key, "Instruments")
    lengths = {interval_name(s * SECOND): s * SECOND for s in INTERVALS_S if s >= offered.shortest_s} or {
        interval_name(offered.shortest_s * SECOND): offered.shortest_s * SECOND
    }
    usual = interval_name(settings.interval_s * SECOND)
    first = list(lengths).index(usual) if usual in lengths else 0
    interval = row.selectbox(
        "Bar", list(lengths), first, key=f"{key}_interval", help=HELP["interval"], bind="query-params", width=100
    )
    return BarsSpec(symbols, lengths[str(interval)])


def _ask(row: Any, cls: type[Any], of: Parameter, offered: Offered, key: str) -> Any:
    """The value of a field; MISSING where it keeps its default, because no control is for its type."""
    common = {"key": key, "help": of.help or None, "bind": "query-params" if offered.in_address else None}
    if of.kind in offered.controls:
        return offered.controls[of.kind](row)
    if of.choices:
        names = {str(choice): choice for choice in of.choices}
        first = 0 if of.is_required or of.default is None else of.choices.index(of.default)
        return names[str(row.selectbox(of.label, list(names), first, width=WIDTH, **common))]
    if of.is_instrument:
        return _symbols(row, of, offered, key, of.label) if of.kind is not str else _symbol(row, of, offered, key)
    if of.kind is bool:
        return row.toggle(of.label, False if of.is_required else bool(of.default), **common)
    if of.kind in (int, float):
        return _number(row, of, common)
    if of.kind is str:
        return row.text_input(of.label, "" if of.is_required else of.default, width=WIDTH, **common)
    kinds = _classes(of.kind)
    if kinds:
        return _part(row, of, kinds, offered, key, common)
    if of.is_required:
        raise ParameterError(
            f"{cls.__name__}.{of.name} has no default, and no control is for its type {of.kind}: give it a default"
        )
    return MISSING


def _number(row: Any, of: Parameter, common: Mapping[str, Any]) -> Any:
    """A number, whole where the field is; None where that may be and the field is left empty."""
    kind = of.kind
    low, high = (None if each is None else kind(each) for each in (of.minimum, of.maximum))
    value = None if of.default is None else kind(of.default) if not of.is_required else low or kind(0)
    if kind is int:
        low, high = (-MAX_INTEGER if low is None else low), (MAX_INTEGER if high is None else high)
    step = kind(of.step) if of.step else 1 if kind is int else None
    more = {"format": "%.8g"} if kind is float else {}
    words = f"{of.help} Empty: none.".strip() if of.is_optional else of.help
    found = row.number_input(of.label, low, high, value, step, width=WIDTH, **{**common, "help": words or None}, **more)
    if found is None and not of.is_optional:
        raise ParameterError(f"{of.name} is empty: give a number")
    return found


def _symbol(row: Any, of: Parameter, offered: Offered, key: str) -> str:
    names = [label(symbol, offered.venue) for symbol in offered.symbols]
    take_names((key,), lambda text: as_shown(text, offered.venue), None if offered.open_list else names)
    first = names.index(of.default) if of.default in names else 0
    chosen = row.selectbox(
        of.label,
        names,
        first,
        key=key,
        help=of.help or None,
        bind="query-params" if offered.in_address else None,
        width=WIDTH,
        accept_new_options=offered.open_list,
    )
    if not chosen:
        st.warning(f"{of.label}: choose an instrument.", icon=":material/rule:")
        raise _NotChosenError
    return asked(str(chosen), offered.venue)


def _symbols(row: Any, of: Parameter, offered: Offered, key: str, words: str) -> tuple[str, ...]:
    names = [label(symbol, offered.venue) for symbol in offered.symbols]
    take_names((key,), lambda text: as_shown(text, offered.venue), None if offered.open_list else names)
    chosen = row.multiselect(
        words,
        names,
        names[:1],
        key=key,
        help=of.help or None,
        bind="query-params" if offered.in_address else None,
        width=320,
        accept_new_options=offered.open_list,
    )
    if not chosen:
        st.warning(f"{of.label}: choose an instrument, or several.", icon=":material/rule:")
        raise _NotChosenError
    return tuple(asked(str(each), offered.venue) for each in chosen)


def _classes(kind: Any) -> dict[str, type[Any]]:
    """Dataclasses that a field may be, by name; none where one of them is something else."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    known = {each.__name__: each for each in kinds if isinstance(each, type) and is_dataclass(each)}
    return known if len(known) == len(kinds) else {}


def _part(
    row: Any, of: Parameter, kinds: dict[str, type[Any]], offered: Offered, key: str, common: Mapping[str, Any]
) -> Any:
    """A field that is a dataclass itself, or one of several."""
    name = next(iter(kinds))
    if len(kinds) > 1:
        now = type(of.default).__name__
        first = list(kinds).index(now) if now in kinds else 0
        name = str(row.selectbox(of.label, list(kinds), first, width=WIDTH, **common))
    return _made(kinds[name], offered, f"{key}_{name}")
