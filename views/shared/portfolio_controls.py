"""What to hold of several pairs or symbols, and how. Each control writes itself into the address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, cast

import streamlit as st

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import Price, interval_name
from alphastream.pairs import MODELS, PairSpec
from alphastream.portfolio import PositionConfig, SlidingWindow
from alphastream.portfolio.allocation import Style, price_pairs
from config import Settings
from views.shared.controls import HELP as PAIR_HELP
from views.shared.controls import (
    INTERVALS_S,
    PRICES,
    number,
    sentence,
    take_names,
    take_old_model,
)
from views.shared.escaping import in_markdown
from views.shared.fill_cost import fill_cost_control
from views.shared.instruments import as_shown, asked, label, legs

MAX_CHOSEN: Final = 20  # pairs or symbols; all of them are computed at every bar
FIRST_CHOSEN: Final = 4
MAX_LISTED: Final = 30  # symbols whose pairs stand in the list; others can be typed
PAIRS, SYMBOLS = "pairs", "symbols"
STYLES: Final[tuple[Style, ...]] = ("reversal", "momentum")
WEIGHTED, WINDOWED = "EWMA", "sliding window"

HELP: Final = {
    "of": "Pairs: the signal of a symbol is the sum of its pairs' z-scores, each times the symbol's share of the "
    "spread. Symbols: the z-score of the log price in its own window, without any hedge.",
    "pairs": "y/x, the dependent leg first. Any two symbols can be typed, for example SOLUSDT/ETHUSDT.",
    "symbols": "Any symbol of the feed can be typed.",
    "signals": "Reversal: against the deviation (−z), as pairs are traded. Momentum: with it (+z). Neither is right "
    "in itself: check below whether it predicts.",
    "window_symbols": "Bars of the rolling mean and deviation of each log price, and of the models of pairs.",
    "vola": "Bars: weights of both volatilities fall by (vola − 1)/vola each bar. Short: positions jump with every "
    "burst of trades. Long: they react to it late.",
    "corr": "Bars: centre of mass of the weights in the correlations, and the bars needed before there are any. At "
    "least the volatility's. Fewer than a few times the number of symbols is noise.",
    "clip": "Returns are clipped at this many standard deviations before they enter the correlations.",
    "shrink": "Weight of the estimated correlations. 0: symbols count as uncorrelated. 1: the estimate is believed, "
    "and its smallest eigenvalues, mostly noise, get the largest positions. A sliding window does not use it.",
    "risk": "Expected standard deviation of the whole portfolio's result over one bar, in bps of the assets under "
    "management; it sets the size of every position. An estimate from the past: real bars have fatter tails.",
    "aum": "Assets under management, in the quote currency of the symbols. Sizes follow from it and the risk per bar.",
    "cap": "Largest change of all positions together in one bar, in % of the assets; 0: no cap. With it, positions "
    "follow the target late.",
    "cov": "EWMA: weighted pairwise correlations, shrunk. Sliding window: a factor model of the last bars.",
    "cov_window": "Bars of the factor model; positions begin once there are that many.",
    "factors": "Principal factors kept; what they leave of each symbol counts as its own.",
}


@dataclass(frozen=True, slots=True)
class PortfolioRequest:
    """What the page is asked to show.

    Parameters
    ----------
    pairs : what the engine computes.
    symbols : symbols whose own z-scores are the signals; empty where the pairs' are.
    window : bars of the z-score of ``symbols``.
    """

    pairs: tuple[PairSpec, ...]
    symbols: tuple[str, ...]
    window: int
    style: Style
    config: PositionConfig

    @property
    def assets(self) -> tuple[str, ...]:
        """Every symbol the feed has to carry."""
        return tuple(dict.fromkeys(leg for spec in self.pairs for leg in (spec.y, spec.x)))


def portfolio_controls(
    symbols: Sequence[str],
    settings: Settings,
    *,
    venue: str = "",
    capital: float | None = None,
    shortest_s: int = 1,
    prefix: str = "",
) -> PortfolioRequest | None:
    """Ask what to hold and how; None, and a sentence on the page, while the choice cannot be.

    Parameters
    ----------
    venue : of symbols that are written without one; "" where names have none.
    capital : the assets of a backtest, which has costs of its own and signals of pairs alone; None asks for all.
    shortest_s : no shorter bars are offered.
    prefix : of the keys of pairs and symbols, where they are others than those of the feed.
    """
    first = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    of = PAIRS
    if capital is None:
        of = str(
            first.segmented_control(
                "Signals of",
                [PAIRS, SYMBOLS],
                default=PAIRS,
                required=True,
                key="of",
                help=HELP["of"],
                bind="query-params",
            )
        )
    chosen = (_pairs if of == PAIRS else _symbols)(first, symbols, venue, prefix)
    signal = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    style = cast(Style, _select(signal, "Signals", STYLES, 0, "signals", HELP["signals"], 120))
    lengths = [length for length in INTERVALS_S if length >= shortest_s] or [shortest_s]
    names = {interval_name(length * SECOND): length * SECOND for length in lengths}
    begin = lengths.index(settings.interval_s) if settings.interval_s in lengths else 0
    key = "interval" if len(names) > 1 else "only_interval"
    interval_ns = names[_select(signal, "Bar", list(names), begin, key, PAIR_HELP["interval"], 90)]
    models = {name: model for model, name in MODELS.items()}
    model, price = "OLS", "log"
    if of == PAIRS:
        take_old_model()
        model = _select(signal, "Model", list(models), 0, "model", PAIR_HELP["model"], 150)
        price = _select(signal, "Prices", PRICES, 0, "price", PAIR_HELP["price"], 90)
    window = int(number(signal, "Window (bars)", 20, 500, settings.window_bars, "window", HELP["window_symbols"], 5))
    try:
        config = _config(signal, capital)
        if not chosen:
            raise ParameterError(f"no {of} chosen: choose or type at least one above")
        if of == SYMBOLS:
            alone = tuple(dict.fromkeys(asked(text, venue) for text in chosen))
            return PortfolioRequest(price_pairs(alone, symbols, interval_ns), alone, window, style, config)
        both = [legs(text, venue, symbols) for text in chosen]
        specs = [PairSpec(y, x, interval_ns, models[model], window, cast(Price, price)) for y, x in both]
        return PortfolioRequest(tuple(dict.fromkeys(specs)), (), window, style, config)
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, venue)), icon=":material/rule:")
        return None


def _config(row: Any, capital: float | None) -> PositionConfig:
    """The optimiser's parameters, in its units. Raises ParameterError where they do not go together."""
    risk = number(row, "Risk per bar, bps", 0.01, 1_000.0, 1.0, "risk", HELP["risk"], 0.25)
    aum = capital
    if aum is None:
        aum = number(row, "AUM", 1_000.0, 1e12, 1e6, "aum", HELP["aum"], 100_000.0, "%.0f", 140)
    vola = number(row, "Volatility", 2, 1_000, 16, "vola", HELP["vola"], 1)
    corr = number(row, "Correlation", 2, 2_000, 32, "corr", HELP["corr"], 1)
    clip = number(row, "Clip", 0.5, 20.0, 3.5, "clip", HELP["clip"], 0.5)
    shrink = number(row, "Shrink", 0.0, 1.0, 0.5, "shrink", HELP["shrink"], 0.05)
    cap = number(row, "Turnover cap, %", 0.0, 100_000.0, 0.0, "cap", HELP["cap"], 10.0, "%.1f", 130)
    cost_bps = 0.0 if capital is not None else fill_cost_control(row, width=150)
    kind = _select(row, "Covariance", [WEIGHTED, WINDOWED], 0, "cov", HELP["cov"], 140)
    sliding = None
    if kind == WINDOWED:
        bars = number(row, "Factor bars", 2, 1_000, 60, "cov_window", HELP["cov_window"], 5)
        factors = number(row, "Factors", 1, 20, 1, "factors", HELP["factors"], 1)
        sliding = SlidingWindow(window=int(bars), n_factors=int(factors))
    if corr < vola:
        raise ParameterError(f"correlation is {corr:g} bars, volatility {vola:g}: make correlation at least as long")
    unit = aum * risk / 1e4  # the optimiser sizes positions so that a bar's result deviates by one unit
    return PositionConfig(
        vola=int(vola),
        corr=int(corr),
        clip=clip,
        shrink=shrink,
        aum=aum,
        position_scale=unit,
        cost_per_unit=cost_bps / 1e4,
        max_turnover=cap / 100.0 * aum / unit if cap > 0.0 else None,
        covariance=sliding,
    )


def _pairs(row: Any, symbols: Sequence[str], venue: str, prefix: str) -> list[str]:
    listed = [label(symbol, venue) for symbol in symbols[:MAX_LISTED]]

    def shown(text: str) -> str:
        try:
            return "/".join(label(leg, venue) for leg in legs(text, venue, symbols)) if venue else text
        except AlphaStreamError:
            return text  # what is wrong with it is said below

    first = [f"{symbol}/{listed[0]}" for symbol in listed[1 : FIRST_CHOSEN + 1]]
    others = [name for x, y in combinations(listed, 2) if (name := f"{y}/{x}") not in first]
    return _many(row, "Pairs (y/x)", [*first, *others], first, "pairs", shown, prefix)


def _symbols(row: Any, symbols: Sequence[str], venue: str, prefix: str) -> list[str]:
    offered = [label(symbol, venue) for symbol in symbols]
    begin = offered[:FIRST_CHOSEN]
    return _many(row, "Symbols", offered, begin, "symbols", lambda text: as_shown(text, venue), prefix)


def _many(
    row: Any, words: str, options: list[str], default: list[str], key: str, shown: Callable[[str], str], prefix: str
) -> list[str]:
    take_names((f"{prefix}{key}",), shown)
    chosen = row.multiselect(
        words,
        options,
        default,
        key=f"{prefix}{key}",
        help=HELP[key],
        bind="query-params",
        accept_new_options=True,
        max_selections=MAX_CHOSEN,
    )
    return [str(name).strip() for name in chosen if str(name).strip()]


def _select(row: Any, label: str, options: Sequence[str], default: int, key: str, words: str, width: int) -> str:
    return str(row.selectbox(label, options, default, key=key, help=words, bind="query-params", width=width))
