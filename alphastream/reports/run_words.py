"""A run in words: its figures in reading order, what went wrong, and when not to trust it."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from alphastream.graph import interval_name
from alphastream.performance import DeflatedSharpe, Performance
from alphastream.performance.metrics import MIN_SPAN_NS
from alphastream.reports.metrics import UNKNOWN, Metric, duration, money
from alphastream.reports.run import Run
from alphastream.trading import Ended, SpreadOrder
from alphastream.trading.broker.depth import SHORT

MAX_NAMED: Final = 5
SPARSE: Final = 1.05  # bar lengths from one bar to the next, on average, from which on a page says so
SHARPE: Final = "Sharpe (Lo)"

HELP: Final = {
    "net": "Equity at the end less the capital, after all costs, open positions marked at last prices. In "
    "sample: if the settings were chosen by somebody who has seen these bars, the future will be worse.",
    "sharpe": "Mean return over its standard deviation, over many bars together: marks that bounce between bid and ask "
    "and positions that last make bars depend on each other, which Lo's factor counts. With its standard error. Below "
    "two standard errors it may be 0. Over less than a week it is per bar: an hour says nothing of a year. Bars "
    "without a position count as returns of 0.",
    "drawdown": "Deepest fall of the equity from a peak, as a share of the peak, at the ends of bars; the longest time "
    "until it recovered (or until now).",
    "trades": "Round trips that were closed, and the share of them with a net profit. A high share with rare large "
    "losses is a loss all the same: see the profit factor below.",
    "costs": "Fees, half spreads and impact of all fills, and funding. As a share of the gross profit where there is "
    "one.",
    "break_even": "What fees, spread and impact together could cost in bps of the notional traded before the "
    "profit is gone. Compare it with what was paid. Negative: free trading would have lost too.",
    "luck": "Probability that the true Sharpe ratio is above the best that chance alone would give among the settings "
    "of the last sweep (deflated Sharpe ratio). Without a sweep the number of settings tried is not known.",
}

CAVEATS: Final = (
    "The result is in sample wherever the settings were chosen by somebody who has seen these bars, and so are all "
    "that were tried before them. The more was tried, the better the best looks by luck alone.",
    "Fills are simulated: an order is filled at the price of a trade that somebody else had, moved by half the spread "
    "and the impact given. Whether your order would have been filled, and at what price, nobody knows.",
    "Each leg is filled at its own next trade. In between one leg is unhedged; the leg gap says for how long.",
    "Bars do not show what happened inside them: the stop of a threshold is looked at when a bar has closed. A stop "
    "order that meets whole bars trades at its own price within one, where a fast market may give a worse one.",
    "A Sharpe ratio counts how bars depend on each other over the mean holding time. Its error is that of returns that "
    "go on as they were: a change of the market is not in it.",
    "Funding is one rate throughout, unless it is taken from a record. Borrowing, transfers, taxes and outages of the "
    "venue are not in it.",
    "Margin is looked at when a bar has closed, with one rate for every symbol and size. A venue looks at its mark "
    "prices all the time, asks for more of large positions, and may close earlier and at worse prices.",
    "Amounts are added up as if all symbols had one quote currency: choose symbols with the same one.",
)


def is_annual(performance: Performance) -> bool:
    """Whether the rows are long enough a time to speak of a year."""
    return performance.end_ns - performance.start_ns >= MIN_SPAN_NS


def figures(run: Run, performance: Performance, luck: DeflatedSharpe | None = None) -> list[Metric]:
    """Cards of a run, in reading order; "–" and a reason where something is not defined.

    Parameters
    ----------
    luck : the run against the trials of a sweep, where one was made.
    """

    def card(name: str, label: str, value: str, sub: str) -> Metric:
        return Metric(label, value, sub, HELP[name])

    split, round_trips, fall = performance.split, performance.round_trip_statistics, performance.drawdown
    if not run.fills:
        none = "no trade"
        return [
            card("net", "Net profit", UNKNOWN, none),
            card("sharpe", SHARPE, UNKNOWN, none),
            card("drawdown", "Max drawdown", UNKNOWN, none),
            card("trades", "Trades", "0", f"of {performance.rows:,} bars"),
            card("costs", "Costs paid", UNKNOWN, none),
            card("break_even", "Break-even cost", UNKNOWN, none),
            card("luck", "Deflated Sharpe", UNKNOWN, none),
        ]
    costs = split.costs - split.funding
    paid = split.costs / performance.turnover.traded * 1e4
    of_gross = "no gross profit"
    if split.gross > 0.0:
        of_gross = f"{costs / split.gross:.0%} of gross {money(split.gross, signed=True)}"
    lasted = f"{duration(fall.under_water_ns)} under water" if fall.depth else "never below a peak"
    return [
        card(
            "net",
            "Net profit",
            money(performance.profit, signed=True),
            f"{performance.total_return:+.3%} of {money(performance.capital)}, in sample",
        ),
        card("sharpe", *_sharpe(run, performance)),
        card("drawdown", "Max drawdown", f"{fall.depth:.3%}", lasted),
        card("trades", "Trades", f"{round_trips.closed:,}", _hit_rate(performance)),
        card("costs", "Costs paid", money(costs), of_gross),
        card(
            "break_even",
            "Break-even cost",
            f"{performance.break_even_cost_bps:.2f} bps",
            f"paid {paid:.2f} bps per fill",
        ),
        card("luck", "Deflated Sharpe", *_luck(luck)),
    ]


def _sharpe(run: Run, performance: Performance) -> tuple[str, str, str]:
    ratios = performance.ratios
    if performance.ruined_ns is not None:
        return SHARPE, UNKNOWN, "the account was ruined" if run.ended is None else ended_as(run.ended).lower()
    if not math.isfinite(ratios.sharpe):
        return SHARPE, UNKNOWN, "returns do not vary"
    if is_annual(performance):
        since = duration(performance.end_ns - performance.start_ns)
        return f"{SHARPE}, annualised", f"{ratios.sharpe:+.2f}", f"± {ratios.sharpe_error:.2f}, from {since}"
    of_a_bar, error = (each / math.sqrt(ratios.rows_per_year) for each in (ratios.sharpe, ratios.sharpe_error))
    bar = interval_name(run.interval_ns)
    return f"{SHARPE} per bar", f"{of_a_bar:+.4f}", f"± {error:.4f}, {performance.rows:,} bars of {bar}"


def _hit_rate(performance: Performance) -> str:
    round_trips = performance.round_trip_statistics
    still = f", {round_trips.still_open:,} open" if round_trips.still_open else ""
    return f"{round_trips.hit_rate:.0%} profitable{still}" if round_trips.closed else f"none closed{still}"


def _luck(luck: DeflatedSharpe | None) -> tuple[str, str]:
    if luck is None:
        return UNKNOWN, "run a sweep first"
    if not math.isfinite(luck.probability):
        return UNKNOWN, "undefined for these returns"
    return f"{luck.probability:.0%}", f"against {luck.trials:,.0f} trials"


def statistics(performance: Performance) -> list[tuple[str, str]]:
    """Further figures of a run, name and value."""
    round_trips, ratios, held = performance.round_trip_statistics, performance.ratios, performance.exposure
    leverage = held.leverage[np.isfinite(held.leverage)]
    lines = [
        (
            "Mean win, median",
            f"{money(round_trips.mean_win, signed=True)}, {money(round_trips.median_win, signed=True)}",
        ),
        (
            "Mean loss, median",
            f"{money(round_trips.mean_loss, signed=True)}, {money(round_trips.median_loss, signed=True)}",
        ),
        ("Profit factor", _plain(round_trips.profit_factor, 2)),
        ("Longest losing streak", f"{round_trips.longest_losing_streak:,}"),
        ("Holding time, mean", _time(round_trips.mean_holding_ns)),
        ("Holding time, longest", _time(round_trips.longest_holding_ns)),
        ("Time in the market", f"{held.in_market:.1%}"),
        ("Max leverage", f"{leverage.max():.2f}×" if leverage.size else UNKNOWN),
        ("Turnover", f"{money(performance.turnover.traded)}, {_plain(performance.turnover.ratio, 1)}× the mean equity"),
        ("Skew, kurtosis per bar", f"{_plain(ratios.moments.skew, 2)}, {_plain(ratios.moments.kurtosis, 1)}"),
    ]
    if is_annual(performance):
        lines += [
            ("Annual growth", _percent(ratios.annual_growth)),
            ("Annual volatility", _percent(ratios.volatility)),
            ("Sortino, annualised", _plain(ratios.sortino, 2)),
            ("Calmar", _plain(ratios.calmar, 2)),
        ]
    return lines


BAND: Final = (
    "The band is 1.96 standard errors to either side: 95 of 100 such windows would have the true ratio in theirs if "
    "returns were independent of each other and alike. Where it holds 0, the window cannot tell skill from luck."
)
"""What the band around a moving Sharpe ratio is."""


def held_words(performance: Performance) -> str:
    """What was held, in a sentence."""
    held = performance.exposure
    leverage = held.leverage[np.isfinite(held.leverage)]
    words = (
        f"A position in {held.in_market:.1%} of the bars; gross at most {money(float(held.gross.max()))}, net between "
    )
    words += f"{money(float(held.net.min()), signed=True)} and {money(float(held.net.max()), signed=True)}"
    return f"{words}, leverage at most {leverage.max():.2f}×." if leverage.size else f"{words}."


def ended_as(ended: Ended) -> str:
    """Title of how an account came to its end."""
    return "The account was liquidated" if ended.is_liquidation else "The account was ruined"


def ending(ended: Ended) -> str:
    """When and why an account came to its end, and what that means for the figures."""
    at = f"{pd.Timestamp(ended.time_ns, unit='ns'):%Y-%m-%d %H:%M:%S}"
    closed = "Everything was closed at the next trades" if ended.is_liquidation else "Nothing was held any more"
    return f"{at} UTC, {ended.reason}. {closed} and the run ends there: no ratio is made of its returns."


def span(run: Run) -> str:
    """Rows and time of a run, and what may be said of a year."""
    first, last = (pd.Timestamp(int(moment), unit="ns") for moment in (run.time_ns[0], run.time_ns[-1]))
    length_ns = int(run.time_ns[-1] - run.time_ns[0])
    words = f"{len(run):,} bars of {interval_name(run.interval_ns)}, {first:%Y-%m-%d %H:%M:%S} to "
    words += f"{last:%Y-%m-%d %H:%M:%S} UTC ({duration(length_ns)})"
    pace_ns = length_ns / (len(run) - 1) if len(run) > 1 else 0.0
    if pace_ns > SPARSE * run.interval_ns:  # silent stretches have no bars
        words += f", one in {pace_ns / run.interval_ns:,.1f} bar lengths: windows, holding and time stops count bars"
    if length_ns < MIN_SPAN_NS:
        return f"{words}. Less than a week: nothing is annualised."
    return f"{words}. Figures are annualised from that."


def troubles(run: Run) -> list[str]:
    """Orders that did not go as asked, in sentences; none where all went well."""
    states = Counter(order.state for order in run.orders)
    sentences = []
    if states["rejected"]:
        reasons = Counter(order.reason for order in run.orders if order.state == "rejected")
        example = "; ".join(reason for reason, _ in reasons.most_common(1))
        sentences.append(f"{_orders(states['rejected'])} rejected, for example: {example}.")
    undone = states["unwound"] + states["unwinding"]
    if undone:
        waiting = f" ({states['unwinding']} of them not completely)" if states["unwinding"] else ""
        sentences.append(f"{_orders(undone)} not filled in time and unwound{waiting}: {_when(run, UNDONE)}.")
    short = [order for order in run.orders if is_short(order)]
    if short:
        sentences.append(
            f"{_orders(len(short))} filled in part or not at all, because the recorded book did not hold them: "
            f"{_times(short)}. For example: {short[0].reason}."
        )
    cancelled = [order for order in run.orders if order.state == "cancelled" and not is_short(order)]
    if cancelled:
        part = sum(any(leg.filled for leg in order.legs) for order in cancelled)
        single = [order for order in cancelled if order.is_single]
        why = "A newer decision or the timeout came first." if len(single) < len(cancelled) else ""
        ends = list(dict.fromkeys(order.reason.rpartition("; ")[2] for order in single if order.reason))
        if ends:
            why = f"{why} Single ones ended so: {'; '.join(ends[:MAX_NAMED])}.".lstrip()
        whole = f"{part:,} of them filled in part" if part else "none of them filled in part"
        sentences.append(
            f"{_orders(len(cancelled))} cancelled before they were filled, {whole}: {_times(cancelled)}. {why}".rstrip()
        )
    lonely = [order for order in run.orders if order.state == "one leg"]
    if lonely:
        sentences.append(
            f"{_orders(len(lonely))} filled in one leg only when the data ended: {_when(run, ('one leg',))}. "
            "The position stands without its hedge."
        )
    if states["open"]:
        sentences.append(f"{_orders(states['open'])} still waiting for a trade when the data ended.")
    return sentences


UNDONE: Final = ("unwound", "unwinding")


def _orders(count: int) -> str:
    return "1 order was" if count == 1 else f"{count:,} orders were"


def _when(run: Run, states: tuple[str, ...]) -> str:
    return _times([order for order in run.orders if order.state in states])


def is_short(order: SpreadOrder) -> bool:
    """Whether a recorded book did not hold what an order asked for."""
    return any(part.startswith(SHORT) for part in order.reason.split("; "))


def _times(orders: Sequence[SpreadOrder]) -> str:
    times = [f"{pd.Timestamp(order.decided_ns, unit='ns'):%Y-%m-%d %H:%M:%S}" for order in orders[:MAX_NAMED]]
    return ", ".join(times) + (" and others" if len(orders) > MAX_NAMED else "")


def _time(length_ns: float | None) -> str:
    return duration(length_ns) if length_ns is not None and math.isfinite(length_ns) else UNKNOWN


def _plain(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if math.isfinite(value) else UNKNOWN


def _percent(value: float) -> str:
    return f"{value:+.2%}" if math.isfinite(value) else UNKNOWN
