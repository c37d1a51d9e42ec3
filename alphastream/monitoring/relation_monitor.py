"""Whether two legs are held together, judged row after row: evidence that looking at it does not spoil.

A test of a window says something about one look. Who looks at every bar sees p < 0.001 on independent random walks
every day. Here each row is a bet: capital that can be won only if deviations come back is evidence that they do, and
how large it may become by luck is known however often one looks.
"""

from dataclasses import dataclass
from math import exp, sqrt
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_number
from alphastream.estimators.fold import COUNT, Fold, State

WARM_UP: Final = 100  # rows before the first bet
SETTLED: Final = 500  # rows after which a relation that was shown is watched for its end
CLIP_DEVIATION: Final = 3.0
CLIP_STEP: Final = 4.0  # a bad tick costs no more than this many standard deviations
STAKES: Final = 4
FIRST_STAKE: Final = 0.03  # and twice, four and eight times as much
END_STAKES: Final = 3
FIRST_END_STAKE: Final = 0.5
LONGEST: Final = 1e300

# Weights of a row as the next one comes: 2 ** (-1 / half-life in rows).
DECAY_SLOPE: Final = 2.0 ** (-1.0 / 350.0)
DECAY_LEVEL: Final = 2.0 ** (-1.0 / 150.0)
DECAY_NOISE: Final = 2.0 ** (-1.0 / 50.0)
DECAY_RELATION: Final = 2.0 ** (-1.0 / 2_000.0)
HELD_HALF_LIFE: Final = 100.0  # rows: deviations that come back more slowly count as none that come back
HELD_RATE: Final = 1.0 - 2.0 ** (-1.0 / HELD_HALF_LIFE)

# Places in a state. Moments are weight, mean of x, mean of y, squares of x, products.
LAST_X, LAST_Y = 1, 2
SLOPE_MOMENTS = 3
LEVEL_WEIGHT, LEVEL_X, LEVEL_Y = 8, 9, 10
SCALE = 11  # mean square of deviations
BET, OLDER_BET, SLOPE, OLDER_SLOPE = 12, 13, 14, 15
NOISE_WEIGHT, NOISE, CARRY, LAST_STEP = 16, 17, 18, 19  # variance of steps; their autocorrelation
BEST = 20  # largest evidence so far
EVIDENCE = 21
DETECTOR = EVIDENCE + STAKES
RELATION = DETECTOR + STAKES  # 1 from when a relation was shown until its end was
SINCE = RELATION + 1  # rows since a relation was shown last; 0 before
RELATION_MOMENTS = SINCE + 1
AWAY, OLDER_AWAY, RATIO, OLDER_RATIO, RELATION_NOISE = range(RELATION_MOMENTS + 5, RELATION_MOMENTS + 10)
END = RELATION_NOISE + 1
SIZE = END + END_STAKES


@dataclass(frozen=True, slots=True, eq=False)
class RelationRows:
    """Each field has shape (T,) and is NaN in the first rows.

    Parameters
    ----------
    evidence : e-value of "deviations come back" over all rows since the first, ≥ 0.
    pvalue : p-value of the same, valid at every look: 1 over the largest evidence so far, at most 1.
    detector : evidence that they come back now, in rows: on legs that nothing holds together a value of n or more
        comes on average once in n rows at most.
    ended : evidence that a relation that was shown is over, in rows likewise; 0 while none was shown.
    relation : 1 from when ``detector`` reached ``alarm_rows`` until ``ended`` did, else 0.
    rows_seen : rows counted, this one included.
    """

    evidence: Floats
    pvalue: Floats
    detector: Floats
    ended: Floats
    relation: Floats
    rows_seen: Floats


@dataclass(frozen=True, slots=True)
class RelationMonitor(Fold[RelationRows]):
    """Watch two legs for a relation that begins, and for the end of one that was shown.

    **Beginning.** Null: the deviation does not tell where the next step goes. A discounted regression (half-life of
    the slope 350 rows, of the level 150) gives a deviation, clipped at ±3 of its standard deviations; f is that of two
    rows ago, so that a trade between bid and ask, which comes back in the next row, earns nothing. The step is
    e_t = Δy_t − b_{t−2}·Δx_t, in units of its standard deviation and clipped at ±4; u = −f·e. For stakes
    s = 0.03, 0.06, 0.12, 0.24 capital is multiplied by exp(s·u)/cosh(s·u), which is one on average when steps are
    symmetric, whatever the volatility. Where steps resemble the one before (autocorrelation r > 0), also by
    exp(−r·(s·u)²), so that luck that comes in runs is no evidence. ``evidence`` is the mean of the four. Ville: it
    reaches 20 with probability 1/20 at most, ever. ``detector`` is the mean of R ← (1 + R)·factor, which begins anew
    at every row.

    **End.** Null: deviations from the relation come back with a half-life below 100 rows. When a relation is shown
    (``detector`` ≥ ``alarm_rows``), a slower regression (half-life 2,000 rows) takes it over, and 500 rows later bets
    are made that the next step lacks the part that such a half-life would give it. ``ended`` is a detector of that.
    When it reaches ``alarm_rows``, ``detector`` begins at 0, so that a new relation is shown by new rows alone.

    A row with NaN or inf does not count, and what was known stays: give it NaN in the rows in which not both legs
    traded, for a price that waited looks like a deviation that comes back.

    Parameters
    ----------
    alarm_rows : the evidence that a relation, or its end, counts as shown: 20 times the rows of a day for a false
        alarm on 5 % of days at most.

    References
    ----------
    Shafer (2021), Testing by betting, JRSS A 184. Ville (1939). Shin, Ramdas and Rinaldo (2024), E-detectors: a
    nonparametric framework for sequential change detection, NEJSDS 2. The null of the end is that of Chu, Stinchcombe
    and White (1996), Econometrica 64, and Wagner and Wied (2017), J. Time Series Analysis 38: a relation that holds.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x, spread = np.cumsum(rng.normal(size=2_000)), np.zeros(2_000)
    >>> for t in range(1, 2_000):
    ...     spread[t] = 0.9 * spread[t - 1] + rng.normal()
    >>> rows, state = RelationMonitor(alarm_rows=20_000).run(x, 2.0 * x + spread)
    >>> rows.relation[[400, -1]].tolist(), bool(rows.pvalue[-1] < 1e-6)
    ([0.0, 1.0], True)
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[RelationRows]] = RelationRows

    alarm_rows: float

    def __post_init__(self) -> None:
        require_number("alarm_rows", self.alarm_rows, above=1.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before the first bet."""
        return WARM_UP

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[RelationRows, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    def _begin(self, pairs: int) -> Floats:
        values = np.zeros((pairs, SIZE))
        values[:, EVIDENCE : EVIDENCE + STAKES] = 1.0
        values[:, BEST] = 1.0
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        _monitor_kernel(x, y, values, out, float(self.alarm_rows))


@kernel
def _discount(moments: Floats, x: float, y: float, decay: float) -> None:
    """Take a row into moments whose older rows fade."""
    weight = decay * moments[0] + 1.0
    from_x, from_y = x - moments[1], y - moments[2]
    moments[0] = weight
    moments[1] += from_x / weight
    moments[2] += from_y / weight
    moments[3] = decay * moments[3] + from_x * (x - moments[1])
    moments[4] = decay * moments[4] + from_x * (y - moments[2])


@kernel
def _mean(state: Floats, first: int, count: int) -> float:
    total = 0.0
    for place in range(first, first + count):
        total += state[place]
    return total / count


@kernel
def _fill(state: Floats, first: int, count: int, value: float) -> None:
    for place in range(first, first + count):
        state[place] = value


@kernel
def _within(value: float, variance: float, limit: float) -> float:
    """A value in standard deviations, clipped; 0 where there is no variance."""
    if not variance > 0.0:
        return 0.0
    return min(max(value / sqrt(variance), -limit), limit)


@kernel
def _bet_on_return(state: Floats, x: float, y: float) -> None:
    """Settle the bet of two rows ago on the step to this row."""
    step = (y - state[LAST_Y]) - state[OLDER_SLOPE] * (x - state[LAST_X])
    sized = _within(step, state[NOISE], CLIP_STEP)
    if state[COUNT] > WARM_UP:
        stake = -FIRST_STAKE * state[OLDER_BET] * sized
        odds, runs = exp(-2.0 * stake), exp(-max(state[CARRY], 0.0) * stake * stake)
        for place in range(STAKES):
            factor = 2.0 / (1.0 + odds) * runs  # exp(s)/cosh(s) = 2/(1 + exp(−2s)); the next stake is twice this one
            odds *= odds
            runs *= runs
            runs *= runs
            state[EVIDENCE + place] = min(state[EVIDENCE + place] * factor, LONGEST)
            state[DETECTOR + place] = min((1.0 + state[DETECTOR + place]) * factor, LONGEST)
        state[BEST] = max(state[BEST], _mean(state, EVIDENCE, STAKES))
    state[CARRY] += (sized * state[LAST_STEP] - state[CARRY]) / state[SLOPE_MOMENTS]
    state[LAST_STEP] = sized
    state[NOISE_WEIGHT] = DECAY_NOISE * state[NOISE_WEIGHT] + 1.0
    state[NOISE] += (step * step - state[NOISE]) / state[NOISE_WEIGHT]


@kernel
def _follow(state: Floats, x: float, y: float) -> None:
    """The deviation and the slope that the row after next is bet on, from the rows before this one; then this row."""
    moments = state[SLOPE_MOMENTS : SLOPE_MOMENTS + 5]
    state[OLDER_BET], state[OLDER_SLOPE] = state[BET], state[SLOPE]
    state[SLOPE] = moments[4] / moments[3] if moments[3] > 0.0 else 0.0
    if state[COUNT] > 1.0:
        away = (y - state[LEVEL_Y]) - state[SLOPE] * (x - state[LEVEL_X])
        state[BET] = _within(away, state[SCALE], CLIP_DEVIATION)
        state[SCALE] += (away * away - state[SCALE]) / moments[0]
    _discount(moments, x, y, DECAY_SLOPE)
    state[LEVEL_WEIGHT] = DECAY_LEVEL * state[LEVEL_WEIGHT] + 1.0
    state[LEVEL_X] += (x - state[LEVEL_X]) / state[LEVEL_WEIGHT]
    state[LEVEL_Y] += (y - state[LEVEL_Y]) / state[LEVEL_WEIGHT]


@kernel
def _bet_on_end(state: Floats, x: float, y: float) -> None:
    """Settle the bet that the step to this row lacks the pull of a relation, and let the relation take the row in."""
    moments = state[RELATION_MOMENTS : RELATION_MOMENTS + 5]
    step = (y - state[LAST_Y]) - state[OLDER_RATIO] * (x - state[LAST_X])
    if state[SINCE] > SETTLED:
        pull = HELD_RATE * state[OLDER_AWAY]
        stake = FIRST_END_STAKE * _within(pull, state[RELATION_NOISE], 1.0)
        stake *= _within(step + pull, state[RELATION_NOISE], CLIP_STEP)
        odds = exp(-2.0 * stake)
        for place in range(END, END + END_STAKES):
            state[place] = min((1.0 + state[place]) * (2.0 / (1.0 + odds)), LONGEST)
            odds *= odds
    if state[SINCE] > 2.0:  # before, the slope that the step is reckoned with is not there
        state[RELATION_NOISE] += (step * step - state[RELATION_NOISE]) / state[NOISE_WEIGHT]
    state[OLDER_AWAY], state[OLDER_RATIO] = state[AWAY], state[RATIO]
    state[RATIO] = moments[4] / moments[3] if moments[3] > 0.0 else 0.0
    state[AWAY] = (y - moments[2]) - state[RATIO] * (x - moments[1])
    _discount(moments, x, y, DECAY_RELATION)
    state[SINCE] += 1.0


@kernel
def _judge(state: Floats, alarm_rows: float) -> None:
    """Let a relation that is shown be watched for its end, and a new one be shown by new rows alone after that."""
    if state[RELATION] == 0.0 and _mean(state, DETECTOR, STAKES) >= alarm_rows:
        state[RELATION], state[SINCE] = 1.0, 1.0
        for place in range(5):
            state[RELATION_MOMENTS + place] = state[SLOPE_MOMENTS + place]
        state[RELATION_NOISE] = state[NOISE]
        _fill(state, END, END_STAKES, 0.0)
    elif state[RELATION] == 1.0 and _mean(state, END, END_STAKES) >= alarm_rows:
        state[RELATION] = 0.0
        _fill(state, DETECTOR, STAKES, 0.0)


@kernel
def _monitor_kernel(xs: Floats, ys: Floats, states: Floats, out: Floats, alarm_rows: float) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(xs.shape[1]):
            x, y = xs[pair, t], ys[pair, t]
            if np.isfinite(x) and np.isfinite(y):
                state[COUNT] += 1.0
                if state[COUNT] > 1.0:
                    _bet_on_return(state, x, y)
                    if state[SINCE] > 0.0:
                        _bet_on_end(state, x, y)
                _follow(state, x, y)
                _judge(state, alarm_rows)
                state[LAST_X], state[LAST_Y] = x, y
            if state[COUNT] < WARM_UP:
                out[:, pair, t] = np.nan
                continue
            out[0, pair, t] = _mean(state, EVIDENCE, STAKES)
            out[1, pair, t] = 1.0 / state[BEST]
            out[2, pair, t] = _mean(state, DETECTOR, STAKES)
            out[3, pair, t] = _mean(state, END, END_STAKES)
            out[4, pair, t] = state[RELATION]
            out[5, pair, t] = state[COUNT]


def warm_up() -> None:
    """Compile the kernel, or load it from numba's cache."""
    RelationMonitor(alarm_rows=20.0).run([1.0], [1.0])
