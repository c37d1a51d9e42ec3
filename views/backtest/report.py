"""A backtest as one HTML file that opens without a network: settings, figures, drawings, trades, caveats."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any, Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from alphastream.backtest import RunResult
from alphastream.graph import interval_name
from alphastream.pairs import PairSpec
from alphastream.performance import DeflatedSharpe, Performance
from alphastream.reports.run_words import CAVEATS, ended_as, ending, figures, span, statistics, troubles
from alphastream.strategies import Strategy
from alphastream.trading.broker.costs import BrokerRules
from views.backtest.tables import trades_frame
from views.shared.metrics import UNKNOWN

MAX_TRADES: Final = 2_000
STYLE: Final = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b232d; background: #fff; max-width: 75rem; margin: 0 auto;
  padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .5rem; }
.card { border: 1px solid #d5dbe3; border-radius: .3rem; padding: .4rem .7rem; }
.card b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.card span { font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #d5dbe3; padding: .2rem .6rem; text-align: left; vertical-align: top; }
td.n { text-align: right; white-space: nowrap; }
.warning { border-left: 4px solid #d55e00; padding-left: .7rem; }
"""


def report(
    run: RunResult,
    performance: Performance,
    *,
    settings: Iterable[tuple[str, str]],
    drawings: Sequence[go.Figure],
    luck: DeflatedSharpe | None = None,
) -> bytes:
    """Everything about a run in one file.

    Parameters
    ----------
    settings : name and value of what the run was asked for.
    drawings : figures in their order, for a light page.
    luck : the run against the trials of a sweep, where one was made.
    """
    title = f"Backtest: {run.name}"
    cards = "".join(
        f'<div class="card">{escape(card.label)}<b>{escape(card.value)}</b><span>{escape(card.sub)}</span></div>'
        for card in figures(run, performance, luck)
    )
    warnings = "".join(f'<p class="warning">{escape(sentence)}</p>' for sentence in troubles(run))
    if run.ended is not None:
        warnings += f'<p class="warning">{escape(ended_as(run.ended))}. {escape(ending(run.ended))}</p>'
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(span(run))}</p>",
        f'<div class="cards">{cards}</div>{warnings}',
        *(_drawing(figure, place) for place, figure in enumerate(drawings)),
        f"<h2>Settings</h2>{_pairs(settings)}",
        f"<h2>Further figures</h2>{_pairs(statistics(performance))}" if run.fills else "",
        f'<h2>Trades</h2><div class="wide">{_trades(run, performance)}</div>',
        f"<h2>When not to trust this</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in CAVEATS)}</ul>",
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{escape(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script>"
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'.encode()


def settings_of(strategy: Strategy, rules: BrokerRules, capital: float, data: str) -> list[tuple[str, str]]:
    """Name and value of everything a run was asked for."""
    lines = [("data", data), ("strategy", strategy.name), ("capital", f"{capital:,.2f}")]
    lines += [(f"pair {spec.y}/{spec.x}", _pair(spec)) for spec in strategy.pairs]
    lines += _fields(strategy, ("pair", "specs")) + _fields(rules, ("contracts",))
    return lines + [(f"steps of {symbol}", _words("", contract)) for symbol, contract in rules.contracts.items()]


def _fields(of: Any, without: tuple[str, ...]) -> list[tuple[str, str]]:
    names = [item.name for item in fields(of) if item.name not in without] if is_dataclass(of) else []
    return [(_label(name), _words(name, getattr(of, name))) for name in names]


def _label(name: str) -> str:
    return name.removesuffix("_ns").replace("_", " ")


def _words(name: str, value: Any) -> str:
    """A parameter as people write it: a length of time with its unit, parts of a model by name."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name == "ns" or name.endswith("_ns")):
        return interval_name(value) if value else "0"
    if is_dataclass(value):
        kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(value).__name__).lower()
        inside = [f"{_label(item.name)} {_words(item.name, getattr(value, item.name))}" for item in fields(value)]
        return f"{kind}: {', '.join(line.removeprefix('ns ') for line in inside)}"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def _pair(spec: PairSpec) -> str:
    words = f"bars of {interval_name(spec.interval_ns)}, {spec.model}, window {spec.window}, {spec.price}, "
    return f"{words}entry {spec.entry:g}, exit {spec.exit:g}"


def _drawing(figure: go.Figure, place: int) -> str:
    content = json.loads(figure.to_json())
    # "<" would end the script inside a text; JSON may write it as an escape.
    text = json.dumps({"data": content["data"], "layout": content["layout"]}).replace("<", "\\u003c")
    options = '{"responsive": true, "displaylogo": false}'
    return (
        f'<div id="drawing{place}"></div><script>{{const drawn = {text}; '
        f'Plotly.newPlot("drawing{place}", drawn.data, drawn.layout, {options});}}</script>'
    )


def _pairs(lines: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in lines)
    return f'<div class="wide"><table>{rows}</table></div>'


def _trades(run: RunResult, performance: Performance) -> str:
    frame = trades_frame(run, performance)
    if not len(frame):
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in frame.columns)
    newest = frame.tail(MAX_TRADES)
    rows = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in newest.itertuples(index=False))
    note = f"<p>The newest {MAX_TRADES:,} of {len(frame):,}.</p>" if len(frame) > MAX_TRADES else ""
    return f"{note}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Any) -> str:
    if value != value:  # NaN and NaT
        return f"<td>{UNKNOWN}</td>"
    if isinstance(value, float):
        return f'<td class="n">{value:,.3f}</td>'
    if hasattr(value, "strftime"):
        return f"<td>{value:%Y-%m-%d %H:%M:%S}</td>"
    return f"<td>{escape(str(value))}</td>"
