"""Weights of a basket of several legs that are fitted, held, and fitted again, and the spread that they leave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.basket_fit import FIXED, JOHANSEN, OLS, PCA, SPARSE, fit_basket
from alphastream.estimators.fold import COUNT, Fold, State

BasketMethod = Literal["fixed", "ols", "johansen", "sparse", "pca"]
METHODS: Final[dict[str, int]] = {"fixed": FIXED, "ols": OLS, "johansen": JOHANSEN, "sparse": SPARSE, "pca": PCA}
FEWEST_LEGS: Final = 2
MOST_LEGS: Final = 10
ROUNDING: Final = 1e-13  # of a price; residuals smaller than that are no spread

# Places in a state: where the next row goes in the ring, the standard deviation, then N weights, N centres, and the
# ring of the last `train` rows of each leg.
NEXT, STD, HEAD = 1, 2, 3


def weight_names(legs: int) -> tuple[str, ...]:
    """Columns of the weights of so many legs: ``w_1`` and so on."""
    return tuple(f"w_{leg}" for leg in range(1, legs + 1))


@dataclass(frozen=True, slots=True, eq=False)
class BasketRows:
    """Rows out of sample; each field has shape (T,) and is NaN until the first weights are held.

    Rows of a basket of N legs are of a subclass that has the N weights ``w_1`` to ``w_N`` besides.

    Parameters
    ----------
    intercept : Σ w_n times the mean of leg n in the fit.
    spread : Σ w_n·leg_n less the intercept.
    std : standard deviation of the residuals of the fit.
    zscore : spread / std; NaN where the residuals of the fit do not move.
    change : Σ w_n times the change of leg n since the row before: what one long spread gained.
    """

    intercept: Floats
    spread: Floats
    std: Floats
    zscore: Floats
    change: Floats

    @property
    def weights(self) -> Floats:
        """Weights of the legs, (T, N); the first is 1."""
        names = [name for name in self.__match_args__ if name.startswith("w_")]
        return np.column_stack([getattr(self, name) for name in names])


_FIELDS: Final = len(BasketRows.__match_args__)


def _row_type(legs: int) -> type[BasketRows]:
    name = f"BasketRows{legs}"
    space = {"__doc__": f"Rows of a basket of {legs} legs; see ``BasketRows``.", "__module__": __name__}
    fields = [(weight, Floats) for weight in weight_names(legs)]
    return make_dataclass(name, fields, bases=(BasketRows,), namespace=space, frozen=True, slots=True, eq=False)


_ROW_TYPES: Final = {legs: _row_type(legs) for legs in range(FEWEST_LEGS, MOST_LEGS + 1)}
globals().update({kind.__name__: kind for kind in _ROW_TYPES.values()})  # where pickle looks for them


@dataclass(frozen=True, slots=True)
class BasketHedge(Fold[BasketRows]):
    """Fit the weights of a basket over ``train`` rows, hold them for ``hold`` rows, fit again, and so on.

    The weights of a row were fitted on rows before it, and the first is 1. A row in which a leg is NaN or infinite (or
    with ``log`` not positive) gives NaN and does not count. Where a fit has no combination with the first leg in it
    (legs that are combinations of each other, one that does not move) there are no weights until the next one.

    Parameters
    ----------
    legs : N, from 2 to 10.
    train : rows of a fit, at least 2·N + 4.
    hold : rows that each fit serves; None for as many as it was fitted on, 1 for a fit on every row.
    method : "ols", "johansen", "sparse" or "pca", as ``alphastream.estimators.basket_fit`` describes them; "fixed"
        takes ``weights``, of which level and deviation are fitted.
    weights : of "fixed", one for each leg, in any unit.
    kept : legs that have a weight with "sparse", from 2 to N; None for 3, or 2 of two.
    components : of "pca", from 1 to N − 1; None for 1.
    log : combine logarithms of what comes in.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> b, c = np.cumsum(rng.normal(size=(2, 300)), axis=1)
    >>> rows, state = BasketHedge(legs=3, train=200).run(2 * b - c + rng.normal(size=300), b, c)
    >>> rows.weights[-1].round(1).tolist()
    [1.0, -2.0, 1.0]
    """

    legs: int
    train: int
    hold: int | None = None
    method: BasketMethod = "ols"
    weights: tuple[float, ...] = ()
    kept: int | None = None
    components: int | None = None
    log: bool = False

    def __post_init__(self) -> None:
        require_integer("legs", self.legs, minimum=FEWEST_LEGS)
        if self.legs > MOST_LEGS:
            raise ParameterError(f"legs is {self.legs}: a basket has {MOST_LEGS} at most")
        check_method(self.legs, self.method, self.weights, self.kept, self.components)
        require_integer("train", self.train, minimum=least_train(self.legs))
        if self.hold is not None:
            require_integer("hold", self.hold, minimum=1)

    @property
    def inputs(self) -> tuple[str, ...]:  # type: ignore[override]  # as many as there are legs
        """``leg_1`` to ``leg_N``."""
        return tuple(f"leg_{leg}" for leg in range(1, self.legs + 1))

    @property
    def row_type(self) -> type[BasketRows]:  # type: ignore[override]
        """Rows with a weight for each leg."""
        return _ROW_TYPES[self.legs]

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined: the fit, and the first row after it."""
        return self.train + 1

    def run(self, *legs: ArrayLike, state: State | None = None) -> tuple[BasketRows, State]:
        """Fold T rows of each leg, (T,) each and the first leg first, into rows and the next state."""
        return self._fold(state, *legs)

    def _begin(self, pairs: int) -> Floats:
        values = np.zeros((pairs, HEAD + (2 + self.train) * self.legs))
        values[:, STD : HEAD + 2 * self.legs] = np.nan
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        code, option = METHODS[self.method], _option(self.legs, self.kept, self.components, self.method)
        given = np.array(self.weights) if self.weights else np.full(self.legs, np.nan)
        hold = self.train if self.hold is None else self.hold
        _basket_kernel(np.stack(columns), values, out, hold, code, option, given, self.log)


@dataclass(frozen=True, slots=True, eq=False)
class BasketValueRows:
    """``value`` has shape (T,): Σ w_n·leg_n, with the weights over the first one."""

    value: Floats


@dataclass(frozen=True, slots=True)
class BasketValue(Fold[BasketValueRows]):
    """Value of a basket with given weights; nothing is fitted. A row with NaN or inf gives NaN.

    Parameters
    ----------
    weights : of 2 to 10 legs, in any unit, the first of them not 0: it becomes 1.
    log : combine logarithms of what comes in.

    Examples
    --------
    >>> rows, state = BasketValue(weights=(2.0, -1.0)).run([10.0, 11.0], [4.0, 8.0])
    >>> rows.value.tolist()
    [8.0, 7.0]
    """

    row_type: ClassVar[type[BasketValueRows]] = BasketValueRows

    weights: tuple[float, ...]
    log: bool = False

    def __post_init__(self) -> None:
        if not FEWEST_LEGS <= len(self.weights) <= MOST_LEGS:
            raise ParameterError(f"{len(self.weights)} weights: a basket has {FEWEST_LEGS} to {MOST_LEGS}")
        check_method(len(self.weights), "fixed", self.weights, None, None)

    @property
    def inputs(self) -> tuple[str, ...]:  # type: ignore[override]  # as many as there are legs
        """``leg_1`` to ``leg_N``."""
        return tuple(f"leg_{leg}" for leg in range(1, len(self.weights) + 1))

    @property
    def min_observations(self) -> int:
        """A row stands for itself."""
        return 1

    def run(self, *legs: ArrayLike, state: State | None = None) -> tuple[BasketValueRows, State]:
        """Fold T rows of each leg, (T,) each and the first leg first, into values and the next state."""
        return self._fold(state, *legs)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        _value_kernel(np.stack(columns), values, out, np.array(self.weights) / self.weights[0], self.log)


@dataclass(frozen=True, slots=True, eq=False)
class BasketFit:
    """Weights of a basket over all rows of a sample.

    Parameters
    ----------
    weights : (N,), the first is 1.
    intercept : Σ w_n times the mean of leg n.
    std : standard deviation of the spread, over T less the numbers that were estimated.
    spread : (T,) Σ w_n·leg_n less the intercept, in sample.
    """

    weights: Floats
    intercept: float
    std: float
    spread: Floats


def basket_weights(
    legs: ArrayLike,
    method: BasketMethod = "johansen",
    *,
    weights: Sequence[float] = (),
    kept: int | None = None,
    components: int | None = None,
) -> BasketFit:
    """Weights of a basket from all rows of a sample, as ``BasketHedge`` fits them over its window.

    Parameters
    ----------
    legs : (T, N) prices or log prices, the first leg first, oldest row first, 2 ≤ N ≤ 10.
    method, weights, kept, components : as of ``BasketHedge``.

    Raises
    ------
    NotEnoughObservations
        Fewer than 2·N + 4 rows.
    ParameterError
        When the shape is wrong, a row is NaN or infinite, or there is no combination with the first leg in it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> b, c = np.cumsum(rng.normal(size=(2, 500)), axis=1)
    >>> legs = np.column_stack([2 * b - c + rng.normal(size=500), b, c])
    >>> basket_weights(legs, "johansen").weights.round(1).tolist()
    [1.0, -2.0, 1.0]
    """
    levels = np.array(legs, dtype=np.float64)
    if levels.ndim != 2 or not FEWEST_LEGS <= levels.shape[1] <= MOST_LEGS:
        raise ParameterError(f"legs has shape {levels.shape}: needs (T, N) with {FEWEST_LEGS} to {MOST_LEGS} legs")
    rows, count = levels.shape
    check_method(count, method, tuple(weights), kept, components)
    if rows < least_train(count):
        raise NotEnoughObservations("weights of a basket", least_train(count), rows)
    bad = np.argwhere(~np.isfinite(levels))
    if bad.size:
        row, leg = bad[0]
        raise ParameterError(f"row {row} of leg {leg + 1} is {levels[row, leg]}: drop or fill this row first")
    found, centre = np.array(weights, dtype=np.float64) if len(weights) else np.empty(count), np.empty(count)
    std = fit_basket(
        np.ascontiguousarray(levels.T), METHODS[method], _option(count, kept, components, method), found, centre
    )
    if math.isnan(std):
        raise ParameterError(
            f"the {count} legs have no combination by {method!r} in which the first one has a part: "
            "one is a combination of others or does not move, or another leg has to be the first"
        )
    return BasketFit(found, float(found @ centre), std, (levels - centre) @ found)


def least_train(legs: int) -> int:
    """Rows that a fit of so many legs needs: two for each coefficient of Johansen's regressions."""
    return 2 * legs + 4


def check_method(legs: int, method: str, weights: tuple[float, ...], kept: int | None, components: int | None) -> None:
    """Raise ParameterError for a method that is none, or parameters that belong to another one."""
    if method not in METHODS:
        raise ParameterError(f"method is {method!r}: choose one of {', '.join(METHODS)}")
    if method == "fixed" and (len(weights) != legs or not all(map(math.isfinite, weights)) or not weights[0]):
        raise ParameterError(
            f"weights is {weights!r}: method 'fixed' needs {legs} finite numbers, the first of them not 0"
        )
    for name, value, owner, low, high in (
        ("kept", kept, "sparse", 2, legs),
        ("components", components, "pca", 1, legs - 1),
    ):
        if value is None:
            continue
        if method != owner:
            raise ParameterError(f"{name} is {value!r} and method {method!r}: only {owner!r} has {name}")
        require_integer(name, value, minimum=low)
        if value > high:
            raise ParameterError(f"{name} is {value}: {owner!r} of {legs} legs has {low} to {high}")
    if method != "fixed" and weights:
        raise ParameterError(f"weights are given and method is {method!r}: only 'fixed' takes them")


def _option(legs: int, kept: int | None, components: int | None, method: str) -> int:
    if method == "sparse":
        return min(3, legs) if kept is None else kept
    return 1 if components is None else components


@kernel
def _level(value: float, log: bool) -> float:
    """The value or its logarithm; NaN where it has none."""
    if not log:
        return value
    return math.log(value) if value > 0.0 else math.nan


@kernel
def _fit_ring(ring: Floats, at: int, state: Floats, method: int, option: int, given: Floats) -> None:
    """Hold the weights of the rows in a ring, the oldest of which stands at ``at``."""
    legs, train = ring.shape
    levels = np.empty((legs, train))
    for leg in range(legs):
        for row in range(train):
            levels[leg, row] = ring[leg, (at + row) % train]
    weights, centre = given.copy(), np.empty(legs)
    state[STD] = fit_basket(levels, method, option, weights, centre)
    state[HEAD : HEAD + legs] = weights
    state[HEAD + legs : HEAD + 2 * legs] = centre


@kernel
def _basket_kernel(
    columns: Floats, states: Floats, out: Floats, hold: int, method: int, option: int, given: Floats, log: bool
) -> None:
    """Walk legs (N, P, T) and states (P, S), and write rows (fields, P, T)."""
    legs = columns.shape[0]
    new = np.empty(legs)
    for pair in range(states.shape[0]):
        state, row = states[pair], out[:, pair]
        weights, centre = state[HEAD : HEAD + legs], state[HEAD + legs : HEAD + 2 * legs]
        ring = state[HEAD + 2 * legs :].reshape(legs, -1)
        train = ring.shape[1]
        for t in range(columns.shape[2]):
            valid = True
            for leg in range(legs):
                new[leg] = _level(columns[leg, pair, t], log)
                valid = valid and math.isfinite(new[leg])
            if not valid:
                row[:, t] = math.nan
                continue
            at = int(state[NEXT])
            before = at - 1 if at > 0 else train - 1
            spread = intercept = size = change = 0.0
            for leg in range(legs):
                spread += weights[leg] * (new[leg] - centre[leg])
                intercept += weights[leg] * centre[leg]
                size += abs(weights[leg] * new[leg])
                change += weights[leg] * (new[leg] - ring[leg, before])
                row[_FIELDS + leg, t] = weights[leg]
            std = state[STD]
            row[0, t], row[1, t], row[2, t], row[4, t] = intercept, spread, std, change
            row[3, t] = spread / std if std > ROUNDING * size else math.nan
            for leg in range(legs):
                ring[leg, at] = new[leg]
            at = at + 1 if at + 1 < train else 0
            state[NEXT] = at
            state[COUNT] += 1.0
            served = int(state[COUNT]) - train
            if served >= 0 and served % hold == 0:
                _fit_ring(ring, at, state, method, option, given)


@kernel
def _value_kernel(columns: Floats, states: Floats, out: Floats, weights: Floats, log: bool) -> None:
    for pair in range(states.shape[0]):
        for t in range(columns.shape[2]):
            value = 0.0
            for leg in range(weights.size):
                value += weights[leg] * _level(columns[leg, pair, t], log)
            valid = math.isfinite(value)
            out[0, pair, t] = value if valid else math.nan
            states[pair, COUNT] += valid
