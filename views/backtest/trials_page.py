"""The sweep and the walk-forward tabs of the backtest page: many settings, and how much of the best is luck."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
import streamlit as st

from alphastream.backtest import (
    Market,
    PairHistory,
    Sweep,
    WalkForward,
    best_in_hindsight,
    pair_history,
    sweep,
    walk_forward,
)
from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.pair_series import PairStrategy
from alphastream.backtest.vectorised import run_pair
from alphastream.backtest.walk_forward import Training
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.pairs import PairSpec
from alphastream.performance import DeflatedSharpe, Performance, rows_per_year
from alphastream.performance.metrics import MIN_SPAN_NS
from alphastream.reports.run_words import SHARPE, ended_as, ending
from alphastream.strategies import InnovationThreshold, ZScoreThreshold
from views.backtest.controls import BacktestRequest, Trials
from views.backtest.take_over_controls import folds_table, show_taken, sweep_chart, sweep_table
from views.backtest.trial_charts import METRICS, sweep_map, walk_forward_figure
from views.backtest.trial_tables import ended_sentence, folds_frame, luck_sentence, sweep_csv, walk_forward_csv
from views.shared.clock import moments_form
from views.shared.clock_controls import chosen_zone, moment_column, plotted
from views.shared.controls import number, sentence
from views.shared.elements import PLOT, metric_row, offer_file
from views.shared.escaping import in_markdown
from views.shared.metrics import UNKNOWN, Metric
from views.shared.picture_controls import offer_picture
from views.shared.progress import Progress
from views.shared.system import get_settings
from views.shared.uploads import session_cached, session_computed

LAST_SWEEP: Final = "backtest_sweep"

HELP: Final = {
    "metric": "Plain Sharpe: bars taken as independent; per bar, or annualised where the data cover a week or more. "
    "The best is always by it; the sentence below has the best one's ratio over the autocorrelation of its bars (Lo).",
    "stay_out": "Hold nothing in a test where no combination gained in its training. Off: the best of them trades "
    "all the same.",
    "folds": "How often settings are chosen again. More folds: shorter tests, choices from more recent bars.",
    "share": "Training bars for each test bar, in the first fold. Bars left over are added to the training.",
    "purge": "Bars between a training and its test that neither uses, so that no window reaches from one into the "
    "other. Empty: as many as the longest window.",
    "training": "Rolling: every training is as long as the first. Anchored: each begins with the first bar.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """A sweep, and what it was made of."""

    market: Market
    request: BacktestRequest
    result: Sweep


def swept_pair(request: BacktestRequest) -> PairStrategy | None:
    """The strategy, if it is one that windows and thresholds can be tried of."""
    strategy = request.strategy
    return strategy if isinstance(strategy, ZScoreThreshold | InnovationThreshold) else None


def tried_of(request: BacktestRequest, trials: Trials) -> BacktestRequest:
    """A request whatever its window and its entry are: what is tried of it does not depend on them."""
    strategy = swept_pair(request)
    if strategy is None:
        return request
    pair = replace(strategy.pair, window=trials.windows[0], entry=trials.entries[0])
    try:
        return replace(request, strategy=replace(strategy, pair=pair))
    except ParameterError:  # the first of the grid does not go with the rest, which trying it will say
        return request


def luck_of(market: Market, request: BacktestRequest, run: Performance) -> DeflatedSharpe | None:
    """A run's Sharpe ratio against the trials of the last sweep, if that was of the same rows and rules."""
    swept = st.session_state.get(LAST_SWEEP, (None, None))[1]
    if not isinstance(swept, Swept) or swept.market is not market or not _alike(swept.request, request):
        return None
    ratios, result = run.ratios, swept.result
    pair = request.strategy.pairs[0]
    among = pair.window in result.grid.windows and pair.entry in result.grid.entries
    trials = result.sharpe.ravel() if among else np.append(result.sharpe, ratios.moments.sharpe)
    return ratios.deflated(trials)


def _alike(one: BacktestRequest, other: BacktestRequest) -> bool:
    """Whether two requests differ in window and entry alone."""
    first, second = swept_pair(one), swept_pair(other)
    if first is None or second is None:
        return False
    try:
        moved = replace(first, pair=replace(first.pair, window=second.pair.window, entry=second.pair.entry))
    except ParameterError:  # the other's entry does not go with this one's stop: they differ in that, too
        return False
    return moved == second and one.rules == other.rules and one.capital == other.capital


def sweep_tab(market: Market, request: BacktestRequest, trials: Trials, *, dark: bool) -> None:
    """A map of windows and entries, its best, and how much of that is luck."""
    strategy = swept_pair(request)
    if strategy is None:
        st.info("A sweep tries windows and entries of one pair: choose a threshold strategy.", icon=":material/info:")
        return
    try:
        history, backend = history_of(market, request, strategy), get_settings().compute
        swept = session_computed(
            LAST_SWEEP,
            [market, tried_of(request, trials), trials],
            lambda progress: Swept(market, request, _sweep(history, request, strategy, trials, backend, progress)),
            "The sweep",
            "windows",
        )
    except AlphaStreamError as error:
        _refused(error, request.venue)
        return
    if swept is not None:
        _swept(swept.result, history, strategy, request.capital, dark=dark)


def _swept(result: Sweep, history: PairHistory, strategy: PairStrategy, capital: float, *, dark: bool) -> None:
    """Map, verdict and file."""
    yearly = _yearly(history)
    if math.isnan(result.sharpe[result.best()]) and result.ended.any():
        st.error(
            f"Of {result.sharpe.size:,} combinations {int(result.ended.sum()):,} were liquidated or ruined, and the "
            "others did not trade: trade less for this capital.",
            icon=":material/report:",
            title="No account was left",
        )
        offer_file("Sweep as CSV", lambda: sweep_csv(result), "sweep.csv", key="csv_sweep")
        return
    if math.isnan(result.sharpe[result.best()]):
        st.info(
            f"None of {result.sharpe.size:,} combinations traded: "
            + (
                "their orders were refused, beyond the leverage limit. Trade less for this capital."
                if result.refused.any()
                else "the data are shorter than twice the windows, or the entries too far out."
            ),
            icon=":material/hourglass_empty:",
            title="Nothing to compare",
        )
        return
    metric = str(
        st.segmented_control(
            "Colour",
            list(METRICS),
            default=METRICS[0],
            required=True,
            key="sweep_metric",
            help=HELP["metric"],
            bind="query-params",
        )
    )
    figure = sweep_map(
        result,
        metric,
        (strategy.pair.window, strategy.pair.entry),
        capital=capital,
        yearly=yearly,
        dark=dark,
    )
    sweep_chart(figure, result, key=f"sweep_{metric}")
    show_taken(strategy.pair)
    sweep_table(result, capital, yearly)
    best = run_pair(history, result.grid.strategy(result.best()), capital=capital)
    luck = result.deflated(factor=best.sharpe.factor)
    title, sentence = luck_sentence(result, luck, yearly)
    (st.success if luck.probability >= 0.95 else st.warning)(sentence, icon=":material/casino:", title=title)
    st.caption(
        f"In sample: all {result.sharpe.size:,} combinations were tried on the same {len(history):,} bars, with the "
        f"fills and costs above; an empty field never traded.{ended_sentence(result)} A best that stands alone among "
        "bad neighbours is luck more often than one on a plateau."
    )
    name = f"sweep-{strategy.pair.y}-{strategy.pair.x}.csv"
    offer_file("Sweep as CSV", lambda: sweep_csv(result), name, key="csv_sweep")


def walk_tab(market: Market, request: BacktestRequest, trials: Trials, *, dark: bool) -> None:
    """Settings chosen on the past, traded on what follows."""
    strategy = swept_pair(request)
    if strategy is None:
        st.info("Walking forward needs one pair: choose a threshold strategy.", icon=":material/info:")
        return
    training, folds, share, gap, stay_out = _walk_controls(trials)
    try:
        history = history_of(market, request, strategy)
        train_rows, test_rows = _lengths(len(history), folds, share, gap)
        backend = get_settings().compute
        walk = session_computed(
            "backtest_walk",
            [market, tried_of(request, trials), trials, train_rows, test_rows, gap, training, stay_out],
            lambda progress: walk_forward(
                history,
                strategy,
                trials.windows,
                trials.entries,
                train_rows=train_rows,
                test_rows=test_rows,
                purge_rows=gap,
                training=training,
                stay_out=stay_out,
                capital=request.capital,
                backend=backend,
                progress=progress,
            ),
            "The walk forward",
            "windows",
        )
        if walk is None:
            return
        hindsight = session_cached("backtest_hindsight", [walk], lambda: best_in_hindsight(history, walk))
    except AlphaStreamError as error:
        _refused(error, request.venue)
        return
    _walked(history, walk, hindsight, strategy.pair, dark=dark)


def _walk_controls(trials: Trials) -> tuple[Training, int, float, int, bool]:
    """Kind of training, number of folds, bars to train for one to test, bars between them, whether to stay out."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    training = row.segmented_control(
        "Training",
        ["rolling", "anchored"],
        default="rolling",
        required=True,
        key="training",
        help=HELP["training"],
        bind="query-params",
    )
    folds = int(number(row, "Folds", 1, 50, 4, "folds", HELP["folds"], 1))
    share = number(row, "Train/test ratio", 0.5, 20.0, 3.0, "train_share", HELP["share"], 0.5)
    purge = row.number_input(
        "Purge, bars",
        0,
        100_000,
        None,
        10,
        key="purge",
        help=HELP["purge"],
        bind="query-params",
        width=150,
        placeholder=f"{max(trials.windows)}",
    )
    stay_out = row.toggle("Stay out", True, key="stay_out", help=HELP["stay_out"], bind="query-params")
    gap = max(trials.windows) if purge is None else int(purge)
    return cast(Training, training), folds, share, gap, stay_out


def _walked(history: PairHistory, walk: WalkForward, hindsight: VectorisedRun, pair: PairSpec, *, dark: bool) -> None:
    """Figure, verdict and folds."""
    start, stop = walk.rows
    yearly, unit = _yearly(history), "annualised" if _yearly(history) > 1.0 else "per bar"
    inside, outside = hindsight.sharpe.sharpe, walk.run.sharpe.sharpe
    profit = float(walk.equity[-1]) - walk.run.capital
    cards = (
        Metric("Out of sample, net", f"{profit:+,.2f}", f"{profit / walk.run.capital:+.3%}, {stop - start:,} bars"),
        Metric(
            f"{SHARPE} {unit}, out of sample",
            _number(outside * yearly),
            f"{walk.run.trades:,} trade{'s'[: walk.run.trades != 1]}",
        ),
        Metric(f"{SHARPE} {unit}, in hindsight", _number(inside * yearly), "best single setting, same bars"),
        Metric("Profitable folds", _gained(walk), "out of sample"),
    )
    metric_row(cards, key="result_cards")
    figure = walk_forward_figure(history.rows.end_ns[start:stop], walk, hindsight.equity, dark=dark)
    if walk.run.ended is not None:
        title = in_markdown(ended_as(walk.run.ended))
        st.error(in_markdown(ending(walk.run.ended)), icon=":material/report:", title=title)
    st.plotly_chart(plotted(figure), key="walk_figure", config=PLOT)
    offer_picture("walk_figure", "walk-forward")
    show_taken(pair)
    frame = folds_frame(history, walk, yearly)
    exact = moments_form(frame["train_from"], frame["test_from"], zone=chosen_zone())
    folds_table(
        frame,
        history,
        walk,
        height="content",
        alt="Folds, oldest first",
        column_config={
            "train_from": moment_column("train from", exact),
            "train_bars": st.column_config.NumberColumn("bars", format="%,d"),
            "test_from": moment_column("test from", exact),
            "test_bars": st.column_config.NumberColumn("bars", format="%,d"),
            "train_sharpe": st.column_config.NumberColumn(f"train, {SHARPE} {unit}", format="%+.4g"),
            "test_sharpe": st.column_config.NumberColumn(f"test, {SHARPE} {unit}", format="%+.4g"),
            "entry": st.column_config.NumberColumn(format="%.4g"),
            "gained": st.column_config.CheckboxColumn(
                "any profitable",
                help="Whether any setting made a profit in training; if none did, the least bad one trades.",
            ),
            "ended": st.column_config.CheckboxColumn(
                help="Whether the account was liquidated or ruined by then; after that nothing is traded."
            ),
        },
    )
    st.caption(
        "Each fold takes the window and the entry with the best plain Sharpe ratio (bars taken as independent) of its "
        "training and trades them on the bars that follow, which the choice has not seen. The dashed line is the one "
        "setting that turned out best on these very bars: nobody could have known it. Where test Sharpe ratios have "
        "nothing to do with training ones, the choice is noise. Grid, costs and data were still chosen by somebody who "
        "may have seen these bars."
    )
    offer_file(
        "Walk-forward as CSV",
        lambda: walk_forward_csv(history, walk, hindsight.equity),
        "walk-forward.csv",
        key="csv_walk",
    )


def _sweep(
    history: PairHistory,
    request: BacktestRequest,
    strategy: PairStrategy,
    trials: Trials,
    backend: str,
    progress: Progress,
) -> Sweep:
    return sweep(
        history,
        strategy,
        trials.windows,
        trials.entries,
        capital=request.capital,
        backend=backend,
        progress=progress,
    )


def history_of(market: Market, request: BacktestRequest, strategy: PairStrategy) -> PairHistory:
    """The rows and trades of a request, made ready once."""
    pair = strategy.pair
    inputs = [market, request.rules, pair.y, pair.x, pair.interval_ns]
    return session_cached("backtest_history", inputs, lambda: pair_history(market, strategy.pair, request.rules))


def _lengths(rows: int, folds: int, share: float, purge: int) -> tuple[int, int]:
    """Rows to train and to test on, so that just so many folds fit; what is left over is trained on."""
    test = int((rows - purge) / (share + folds))
    train = rows - purge - folds * test
    if test < 2 or train < 2:
        raise ParameterError(
            f"{rows:,} bars, of which {purge:,} are left out: {folds} folds leave {max(test, 0)} bars for each test; "
            "take longer data, shorter bars, fewer folds or smaller windows"
        )
    return train, test


def _yearly(history: PairHistory) -> float:
    """What makes a Sharpe ratio of a bar one of a year; 1 where the rows are too short a time for that."""
    ends = history.rows.end_ns
    long = len(ends) > 1 and int(ends[-1] - ends[0]) >= MIN_SPAN_NS
    return math.sqrt(rows_per_year(ends)) if long else 1.0


def _gained(walk: WalkForward) -> str:
    known: Sequence[bool] = [fold.test_sharpe > 0.0 for fold in walk.folds]
    return f"{sum(known)} of {len(known)}"


def _number(value: float) -> str:
    return f"{value:+.4g}" if math.isfinite(value) else UNKNOWN


def _refused(error: AlphaStreamError, venue: str) -> None:
    st.error(in_markdown(sentence(error, venue)), icon=":material/error:", title="No result")
