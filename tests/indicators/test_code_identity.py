"""The identity of code: equal for equal functions, another for each thing that a value may depend on."""

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.indicators.code_identity import digest_of

BASE = """
import numpy as np
K = 3.0
TABLE = np.arange(3.0)
def helper(x):
    return 2.0 * x
class Scale:
    def apply(self, x):
        return x + 1.0
def make(shift):
    def function(x, window=20, *, power=2):
        names = {"a", "b", "c"}
        inner = lambda v: v ** power
        return Scale().apply(helper(x)) * K + TABLE[0] + shift + np.mean(inner(x)) + len(names)
    return function
function = make(1.0)
"""


def compiled(text: str) -> Callable[..., Any]:
    names: dict[str, Any] = {"__name__": "typed"}
    exec(compile(text, "<typed>", "exec"), names)
    found: Callable[..., Any] = names["function"]
    return found


def digest(text: str) -> str:
    return digest_of(compiled(text), "function")


def test_equal_functions_are_equal() -> None:
    assert digest(BASE) == digest(BASE)
    moved = "\n\n# a comment\n" + BASE.replace('names = {"a"', '"""Explains."""\n        names = {"a"')
    assert digest(BASE) == digest(moved)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("K = 3.0", "K = 3.5"),
        ("np.arange(3.0)", "np.arange(1.0, 4.0)"),
        ("return 2.0 * x", "return 2.5 * x"),
        ("window=20", "window=21"),
        ("power=2", "power=3"),
        ("make(1.0)", "make(1.5)"),
        ("np.mean", "np.median"),
        ("v ** power", "v * power"),
        ('"c"}', '"d"}'),
        ("x + 1.0", "x + 2.0"),
        ("+ shift", "- shift"),
    ],
)
def test_whatever_a_value_depends_on_makes_another(old: str, new: str) -> None:
    assert old in BASE
    assert digest(BASE) != digest(BASE.replace(old, new))


def test_functions_that_call_each_other_have_an_end() -> None:
    text = "def function(x):\n    return other(x)\ndef other(x):\n    return function(x - 1) if x else 0\n"
    assert digest(text) == digest(text)
    assert digest(text) != digest(text.replace("x - 1", "x - 2"))


def test_compiled_and_partial_functions_and_ufuncs() -> None:
    def double(x: float, factor: float = 2.0) -> float:
        return factor * x

    assert digest_of(numba.njit(double), "double") == digest_of(numba.njit(double), "double")
    assert digest_of(functools.partial(double, factor=3.0), "a") != digest_of(
        functools.partial(double, factor=4.0), "a"
    )
    assert digest_of(np.log, "log") != digest_of(np.exp, "exp")
    assert digest_of(np.mean, "mean") != digest_of(np.median, "median")


def test_numbers_are_told_apart() -> None:
    values = [
        0.0,
        -0.0,
        0,
        False,
        None,
        "0",
        b"0",
        (0,),
        [0],
        np.zeros(1),
        np.zeros(1, dtype=np.int64),
        {"0": 0},
        np.nan,
    ]
    assert len({digest_of(value, "value") for value in values}) == len(values)


def test_what_has_no_content_is_refused() -> None:
    source = np.random.default_rng(0)
    with pytest.raises(ParameterError, match="noise reads a Generator, which says nothing of its content"):
        digest_of(lambda x: x + source.normal(), "noise")
