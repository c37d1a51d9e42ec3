"""What an address asks for and a page does not take, told in one notice above the page's controls.

Streamlit drops such values without a word. Every control that stands in the address says to the browser under which
key, with its options or its range; that is read here while a page runs, and compared with what the address said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from views.shared.escaping import in_markdown
from views.shared.ignored import not_a_number, not_among, not_known, not_within

VISIT: Final = "visit"  # in the session: what the address of this visit asked for, and what was told of it
OLD: Final[Mapping[str, str]] = {
    "cost": "may be the cost of one fill or of a round trip of four",
    "round_trip_cost": "was a round trip of four fills in bps of one leg's notional",
    "fee": "was the cost of one fill on the Portfolio page",
    "leg_fee": "was the fee of one fill on the live page, without the half spread",
}
"""Keys of costs in links of before, and what each of them meant."""
CLOSE: Final = 0.8  # likeness, 0 to 1, from which on a key is taken for a slip of another one
_KNOWN: Final[set[str]] = set()  # keys of controls that any page had since the start
WORDS: Final = {"true": "true", "false": "false"}


@dataclass(slots=True)
class _Visit:
    """A visit of a page.

    Parameters
    ----------
    page : which one.
    asked : what the address said of controls that were not drawn yet, by key.
    told : by key, where the control stood then, and the sentence.
    bound : keys of controls that stand in the address of this page.
    place : where the notice goes; each run makes it anew.
    """

    page: str
    asked: dict[str, list[str]]
    told: dict[str, tuple[Any, str]] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    place: Any = None


@dataclass(frozen=True, slots=True)
class Tabs:
    """A row of tabs, which the browser gets as a container and its parts."""

    query_param_key: str
    options: list[str] = field(default_factory=list)
    label: str = "This page"


@contextmanager
def telling_ignored(page: str) -> Iterator[None]:
    """Say on a page, which runs meanwhile, what of its address was not taken; above it, where it has no place for that.

    A sentence stays until its control is moved, or the page is left.

    Parameters
    ----------
    page : what tells it from others.
    """
    visit = _visit(page)
    visit.place = st.empty()
    with _controls(visit.bound) as seen:
        yield
    for key in [key for key in visit.asked if key in seen]:
        asked = visit.asked.pop(key)
        sentence = ignored(key, asked, seen[key], st.session_state.get(key))
        if sentence is not None:
            visit.told[key] = st.session_state.get(key), sentence
    _KNOWN.update(visit.bound)
    unread = [key for key in visit.asked if key not in _KNOWN]
    for key, meant in misspelt(unread, visit.bound).items():
        visit.told[key] = None, not_known(key, visit.asked[key][-1], meant)
    for key, (stood, _) in list(visit.told.items()):
        if key in seen and st.session_state.get(key) != stood:
            del visit.told[key]
    if visit.told:
        words = [in_markdown(sentence) for _, sentence in visit.told.values()]
        visit.place.warning("  \n".join(words), icon=":material/link_off:", title="Not all of this link could be taken")


def misspelt(keys: Iterable[str], controls: Collection[str]) -> dict[str, str]:
    """Keys that were probably meant for one of these controls, and which: others are none of this page's business.

    >>> misspelt(["widnow", "intervall", "utm_source"], ["window", "interval", "model"])
    {'widnow': 'window', 'intervall': 'interval'}
    """
    found = {key: get_close_matches(key, controls, 1, CLOSE) for key in keys}
    return {key: close[0] for key, close in found.items() if close}


def place_notice() -> None:
    """Put the notice here: below the head of a page, above its controls."""
    visit = st.session_state.get(VISIT)
    if isinstance(visit, _Visit):
        visit.place = st.empty()


def tell(key: str, sentence: str) -> None:
    """Add to the notice what a page itself did not take of its address."""
    visit = st.session_state.get(VISIT)
    if isinstance(visit, _Visit):
        visit.asked.pop(key, None)
        visit.told[key] = st.session_state.get(key), sentence


def understood(key: str) -> None:
    """Leave a value of the address out of the notice: the page has taken it, under another name."""
    visit = st.session_state.get(VISIT)
    if isinstance(visit, _Visit):
        visit.asked.pop(key, None)


def not_bound(values: Mapping[str, Any]) -> dict[str, str]:
    """Of values that another page's controls are to have, those that its address can be given from here, as texts.

    The keys of this page's own controls cannot be written; where such a control stands goes over by itself.
    """
    visit = st.session_state.get(VISIT)
    if not isinstance(visit, _Visit):
        return {}
    return {
        key: _text(value)
        for key, value in values.items()
        if key not in visit.bound and isinstance(value, str | int | float | datetime)
    }


def _text(value: str | float | datetime) -> str:
    """A value as it stands in an address."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _visit(page: str) -> _Visit:
    """This visit; a new one where another page was seen last."""
    visit = st.session_state.get(VISIT)
    asked = {key: st.query_params.get_all(key) for key in st.query_params}
    if not isinstance(visit, _Visit) or visit.page != page:
        visit = _Visit(page, asked)
        for key, meaning in OLD.items():
            if key in asked:
                visit.told[key] = None, _old(key, asked[key][-1], meaning)
        st.session_state[VISIT] = visit
    for key in visit.asked:
        visit.asked[key] = asked.get(key, visit.asked[key])  # a page may have spelt it otherwise and begun again
    return visit


def _old(key: str, text: str, meaning: str) -> str:
    each = ""
    if key == "round_trip_cost":
        with suppress(ValueError):
            each = f", {float(text) / 4.0:g} bps for each"
    return (
        f"The address says {key}={text}, which {meaning}{each}. It is not used: set the cost per fill, and save the "
        "new link."
    )


@contextmanager
def _controls(bound: set[str]) -> Iterator[Mapping[str, Any]]:
    """Controls that are drawn meanwhile, as the browser gets them, by their key in the address.

    Parameters
    ----------
    bound : gets their keys as they come.
    """
    context, seen = get_script_run_ctx(), dict[str, Any]()
    if context is None:
        yield seen
        return
    send = context._enqueue
    tabs = dict[tuple[int, ...], Tabs]()

    def watch(message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "delta":
            for control in _bound(message, tabs):
                seen[control.query_param_key] = control
                bound.add(control.query_param_key)
        send(message)

    context._enqueue = watch
    try:
        yield seen
    finally:
        context._enqueue = send


def _bound(message: ForwardMsg, tabs: dict[tuple[int, ...], Tabs]) -> Iterable[Any]:
    """The control of a message, where it has one that stands in the address."""
    delta, path = message.delta, tuple(message.metadata.delta_path)
    if delta.WhichOneof("type") == "add_block":
        block = delta.add_block
        if block.WhichOneof("type") == "tab_container" and block.tab_container.query_param_key:
            tabs[path] = Tabs(block.tab_container.query_param_key)
            yield tabs[path]
        elif block.WhichOneof("type") == "tab" and path[:-1] in tabs:
            tabs[path[:-1]].options.append(block.tab.label)
    if delta.WhichOneof("type") == "new_element":
        kind = delta.new_element.WhichOneof("type")
        control = getattr(delta.new_element, kind) if kind else None
        if getattr(control, "query_param_key", ""):
            yield control


def ignored(key: str, asked: Sequence[str], control: Any, standing: Any) -> str | None:
    """Why a control did not take what an address asks for; None where it did.

    Parameters
    ----------
    asked : what stands in the address, once or several times.
    control : as the browser gets it.
    standing : the value of the control.
    """
    text = asked[-1] if asked else ""
    kind = type(control).__name__
    if kind == "NumberInput":
        low = control.min if control.has_min else None
        high = control.max if control.has_max else None
        return _number(key, text, control.label, low, high, control.data_type == control.INT, standing)
    if kind == "Slider" and not control.options:
        return _number(key, text, control.label, control.min, control.max, control.data_type == control.INT, standing)
    if kind == "Checkbox":
        return None if text.lower() in WORDS else not_among(key, text, control.label, list(WORDS), _shown(standing))
    if kind in ("Selectbox", "MultiSelect", "Radio", "ButtonGroup", "Slider", "Tabs"):
        offered = [each if isinstance(each, str) else each.content for each in control.options]
        if getattr(control, "accept_new_options", False):
            return None
        lacks = next((each for each in asked if each not in offered), None)
        return None if lacks is None else not_among(key, lacks, control.label, offered, _shown(standing))
    if kind in ("DateTimeInput", "DateInput", "TimeInput"):
        return _moment(key, text, control.label, standing)
    return None


def _moment(key: str, text: str, label: str, standing: Any) -> str | None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return f"The address asks for {key}={text}, which is no time for {label}: {_shown(standing)} is shown."
    return None


def _number(
    key: str, text: str, label: str, low: float | None, high: float | None, is_whole: bool, standing: Any
) -> str | None:
    try:
        value = float(text)
    except ValueError:
        return not_a_number(key, text, _shown(standing))
    if (low is not None and value < low) or (high is not None and value > high) or value != value:
        return not_within(key, text, label, low, high, _shown(standing))
    if is_whole and value != int(value):
        return f"The address asks for {key}={text}; {label} is a whole number: {_shown(standing)} is shown."
    return None


def _shown(standing: Any) -> str:
    """Where a control stands, as it is printed."""
    if isinstance(standing, list | tuple):
        return ", ".join(map(str, standing)) or "nothing"
    if isinstance(standing, float):
        return f"{standing:.10g}"
    return "nothing" if standing is None else str(standing)
