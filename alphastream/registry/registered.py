"""The table of what was registered, and the tables of other rooms that it extends."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from threading import RLock
from typing import Any, Final, Literal, TypeVar, get_args, overload

from alphastream.errors import ParameterError
from alphastream.registry.source_code import code_of, file_of

Kind = Literal["strategies", "sizers", "indicators", "feeds", "costs", "alerts"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_NEEDED: Final[Mapping[Kind, tuple[tuple[str, ...], ...]]] = {
    "strategies": (("name", "pairs", "symbols", "series", "table", "direction_at", "decide"),),
    "sizers": (("series", "units"),),
    "indicators": (("run", "progress"),),
    "feeds": (("name", "title", "stream_url", "spelt", "fresh"),),
    "costs": (("fee_bps",), ("impact_bps",), ("delay_ns",), ("due",)),
    "alerts": (("values",),),
}
"""Members by which a kind is known: all of one of these tuples."""

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """Something that was registered.

    Parameters
    ----------
    name : of the class; of an object its own.
    made : the class; the codec of a feed, the object of a strategy that has no form.
    module, file : where it was written; the file is None in a console or a notebook.
    version : the class's own word for its version, its attribute ``version``; "" where it has none.
    code : digest of the source as it was when it was registered; "" without a file.
    by : who loaded it, for example an entry point; "" where nobody said so.
    """

    kind: Kind
    name: str
    made: Any
    module: str
    file: Path | None
    version: str
    code: str
    by: str = ""

    @property
    def about(self) -> str:
        """The first paragraph of its docstring, on one line; "" without one."""
        whole = inspect.getdoc(self.made) or ""
        if not isinstance(self.made, type):
            return ""
        return "" if whole.startswith(f"{self.name}(") else " ".join(whole.split("\n\n")[0].split())

    @property
    def home(self) -> str:
        """Its file, or its module where there is none."""
        return self.module if self.file is None else f"{self.file.parent.name}/{self.file.name}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be loaded.

    Parameters
    ----------
    where : a file as the person knows it, or an entry point.
    line : 1-based, where one is to blame.
    reason : in words.
    """

    where: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.where}{'' if self.line is None else f', line {self.line}'}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A table of another room, and what it has of a class."""

    names: dict[str, Any]
    entered: Callable[[Registered], Any]

    def take(self, entry: Registered) -> None:
        """Let it have a class."""
        self.names[entry.name] = self.entered(entry)


_lock = RLock()
_found: dict[Kind, dict[str, Registered]] = {kind: {} for kind in KINDS}
_tables: dict[Kind, list[_Table]] = {kind: [] for kind in KINDS}
_loading: ContextVar[str] = ContextVar("loading", default="")


@overload
def register(kind_or_thing: Kind) -> Callable[[_Thing], _Thing]: ...
@overload
def register(kind_or_thing: Kind, thing: _Thing) -> _Thing: ...
@overload
def register(kind_or_thing: _Thing) -> _Thing: ...
def register(kind_or_thing: Any, thing: Any = None) -> Any:
    """Add a class of one's own to the product: it is offered where shipped ones are.

    ``@register("strategies")`` or, where its methods tell what it is, ``@register`` stands above the class, above
    ``@dataclass``; ``register("strategies", RsiPulse)`` does the same afterwards. Whoever adds a module's class a
    second time replaces it, as a notebook's cell that is run again.

    Parameters
    ----------
    kind_or_thing : one of ``KINDS``, or what is registered.
    thing : a frozen dataclass of its parameters; for "feeds" a codec; for "strategies" also an object, which is offered
        as it is, under its ``name``.

    Returns
    -------
    The same thing, or, with a kind alone, what registers it.

    Raises
    ------
    ParameterError
        The kind is none, the class lacks what its kind needs, or its name is taken.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @register("costs")
    ... @dataclass(frozen=True)
    ... class HalfFee:
    ...     bps: float = 2.5
    ...
    ...     def fee_bps(self, maker: bool) -> float:
    ...         return self.bps / 2
    >>> [each.name for each in registered("costs")]
    ['HalfFee']
    >>> forget("")
    """
    if isinstance(kind_or_thing, str):
        kind = _checked_kind(kind_or_thing)
        return (lambda each: _register(kind, each)) if thing is None else _register(kind, thing)
    return _register(_kind_of(kind_or_thing), kind_or_thing)


def _checked_kind(word: str) -> Kind:
    for kind in KINDS:
        if word == kind:
            return kind
    raise ParameterError(f"{word!r} is no kind of things to register{_meant(word, KINDS)}: {whole_names(KINDS)}")


def _kind_of(thing: Any) -> Kind:
    """The kind that the members of a thing tell. Raises ParameterError."""
    kinds = [kind for kind in KINDS if any(all(hasattr(thing, name) for name in each) for each in _NEEDED[kind])]
    if len(kinds) != 1:
        seen = " and of ".join(kinds) or "no kind"
        raise ParameterError(
            f"{_name_of(thing)} has the methods of {seen}: say which it is, for example @register('strategies')"
        )
    return kinds[0]


def _name_of(thing: Any) -> str:
    return thing.__name__ if isinstance(thing, type) else str(getattr(thing, "name", type(thing).__name__))


def _register(kind: Kind, thing: Any) -> Any:
    name = _name_of(thing)
    _check(kind, name, thing)
    module = thing.__module__ if isinstance(thing, type) else _caller()
    version = getattr(thing, "version", "")
    if not isinstance(version, str):
        raise ParameterError(f'{name}.version is {version!r}: it needs text, such as version = "2"')
    entry = Registered(kind, name, thing, module, file_of(module), version, code_of(module), _loading.get())
    with _lock:
        before = _found[kind].get(name)
        if before is not None and before.made is thing:
            return thing
        _check_free(entry, before)
        _found[kind][name] = entry
        for table in _tables[kind]:
            table.take(entry)
    return thing


def _caller() -> str:
    """The module that registers an object: the class of one is often ours."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    return str(frame.f_globals["__name__"])


def _check_free(entry: Registered, before: Registered | None) -> None:
    """Refuse a name that something else has. Raises ParameterError."""
    name, there = entry.name, {**_found[entry.kind], **_same_tables(entry.kind)}
    taken = next((each for each in there.values() if each.name == name), None)
    if taken is not None and (taken.module != entry.module or taken.kind != entry.kind):
        what = f"there is one of {taken.kind} of that name in {taken.home}"
    elif taken is None and any(name in table.names for table in _tables[entry.kind]):
        what = "AlphaStream has one of that name itself"
    else:
        return
    raise ParameterError(f"{name} of {entry.home} cannot be registered: {what}. Give the class another name")


def _same_tables(kind: Kind) -> dict[str, Registered]:
    """What other kinds have in tables that this one shares, where a name means one thing only."""
    shared = [other for other in KINDS if any(a.names is b.names for a in _tables[kind] for b in _tables[other])]
    return {each.name: each for other in shared for each in _found[other].values()}


def _check(kind: Kind, name: str, thing: Any) -> None:
    """Refuse what its kind cannot use. Raises ParameterError."""
    if not (kind == "feeds" or (kind == "strategies" and not isinstance(thing, type))):
        if not isinstance(thing, type):
            raise ParameterError(f"{name} is no class: register the class and not an object of it")
        if not is_dataclass(thing) or not thing.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise ParameterError(
                f"{name} is no frozen dataclass: write @dataclass(frozen=True) above it, its parameters are its fields"
            )
    known = {*dir(thing), *getattr(thing, "__dataclass_fields__", ())}
    lacks = [[member for member in each if member not in known] for each in _NEEDED[kind]]
    if all(lacks):
        if len(lacks) == 1:
            raise ParameterError(f"{name} lacks {whole_names(lacks[0], 'and')}: one of {kind} needs that")
        ways = whole_names([each[0] for each in _NEEDED[kind]])
        raise ParameterError(f"{name} has none of {ways}: one of {kind} needs one of them")


def registered(kind: Kind) -> tuple[Registered, ...]:
    """Everything that was registered of a kind, by name; what AlphaStream brings itself is not in it.

    Raises
    ------
    ParameterError : there is no such kind.
    """
    with _lock:
        found = _found[_checked_kind(kind)]
        return tuple(found[name] for name in sorted(found))


def find(kind: Kind, name: str) -> Registered:
    """What was registered under a name.

    Raises
    ------
    ParameterError : nothing; with close matches.
    """
    found = {each.name: each for each in registered(kind)}
    if name not in found:
        there = whole_names(found, "and") if found else "none is"
        raise ParameterError(f"{name!r} is not registered among {kind}{_meant(name, found)}: {there}")
    return found[name]


def registered_as(made: object) -> Registered | None:
    """What is known of a class, or of an object of one; None where it was not registered."""
    cls = made if isinstance(made, type) else type(made)
    with _lock:
        known = (each for found in _found.values() for each in found.values())
        return next((each for each in known if each.made is made or each.made is cls), None)


def extends(kind: Kind, table: dict[str, Any], entered: Callable[[Registered], Any] | None = None) -> None:
    """Let a room's own table, by name, take what is registered of a kind, now and later.

    Parameters
    ----------
    entered : what the table has of a class; the class itself where this is not given.

    Raises
    ------
    ParameterError : it has a name that somebody registered before.
    """
    with _lock:
        for entry in _found[kind].values():
            if entry.name in table and table[entry.name] is not entry.made:
                raise ParameterError(
                    f"{entry.name} of {entry.home} has a name that AlphaStream has itself: give the class another one"
                )
        extended = _Table(table, entered or (lambda entry: entry.made))
        _tables[kind].append(extended)
        for entry in _found[kind].values():
            extended.take(entry)


def forget(by: str) -> None:
    """Take out everything that one ``loading`` registered."""
    with _lock:
        for kind, found in _found.items():
            for entry in [each for each in found.values() if each.by == by]:
                del found[entry.name]
                for table in _tables[kind]:
                    table.names.pop(entry.name, None)


@contextmanager
def loading(by: str) -> Iterator[None]:
    """Note who registers while the context lasts; with an error, what was registered in it is taken out again."""
    token = _loading.set(by)
    try:
        yield
    except BaseException:
        forget(by)
        raise
    finally:
        _loading.reset(token)


def whole_names(names: Any, joined: str = "or") -> str:
    """Names as a sentence lists them.

    >>> whole_names(["one", "two", "three"])
    'one, two or three'
    """
    *first, last = map(str, names)
    return f"{', '.join(first)} {joined} {last}" if first else last


def _meant(word: str, known: Any) -> str:
    near = get_close_matches(word, known, 1, 0.5)
    return f", did you mean {near[0]!r}?" if near else ""
