"""One HTML file that opens from a disk without a network: headings, cards, tables and figures, light and dark.

The browser is forbidden to load anything (a Content-Security-Policy in the file says so), Plotly's code stands inside.
Figures are written in light colours; where the reader's system is dark, each is drawn in the other palette's.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from alphastream.reports.look import dressed
from alphastream.reports.metrics import UNKNOWN, Metric
from alphastream.reports.palette import DARK, LIGHT

if TYPE_CHECKING:
    import plotly.graph_objects as go

LONG: Final = 40  # characters: a cell that has as many stays wide enough to read on a phone, and its table scrolls
POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
STYLE: Final = """
:root { color-scheme: light; --ink: #1b232d; --soft: #4d5866; --paper: #ffffff; --line: #d5dbe3; --warn: #d55e00;
  --up: 8,81,156; --down: 179,88,6; }
@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; --ink: #e6e9ee; --soft: #b3bcc8;
  --paper: #0e1117; --line: #343b46; --warn: #e69f00; --up: 86,180,233; --down: 230,159,0; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 75rem;
  margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { max-width: 60rem; } .soft, caption, figcaption { color: var(--soft); font-size: .85rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .5rem; margin: 0; }
.card { border: 1px solid var(--line); border-radius: .3rem; padding: .4rem .7rem; }
.card dt { font-size: .85rem; } .card dd { margin: 0; font-size: .85rem; color: var(--soft); }
.card dd.value { font-size: 1.25rem; font-weight: 600; color: var(--ink); font-variant-numeric: tabular-nums; }
figure { margin: .5rem 0; break-inside: avoid; } .drawing { width: 100%; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--warn); }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: .2rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; } td.t { white-space: nowrap; }
td.w { min-width: 14rem; }
.warning { border-left: 4px solid var(--warn); padding-left: .7rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; } a { color: inherit; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } .wide { overflow: visible; }
  nav { display: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } thead { display: table-header-group; } }
"""
SCRIPT: Final = """
const night = matchMedia('(prefers-color-scheme: dark)');
const texts = [...document.querySelectorAll('script[type="application/json"]')];
function draw(dark) {
  for (const each of texts) {
    let text = each.textContent;
    if (dark) for (const [light, other] of COLOURS) text = text.replaceAll(light, other);
    const drawn = JSON.parse(text);
    Plotly.react(each.dataset.to, drawn.data, drawn.layout, { responsive: true, displayModeBar: false });
  }
}
draw(night.matches);
night.addEventListener('change', () => draw(night.matches));
addEventListener('beforeprint', () => draw(false));
addEventListener('afterprint', () => draw(night.matches));
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, as HTML."""

    title: str
    parts: tuple[str, ...]


def document(title: str, opening: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole file.

    Parameters
    ----------
    title : plain text.
    opening : HTML under the title, before the first section.
    """
    from plotly.offline import get_plotlyjs

    pairs = [pair for pair in zip(astuple(LIGHT), astuple(DARK), strict=True) if pair[0] != pair[1]]
    links = "".join(f'<li><a href="#s{place}">{escape(each.title)}</a></li>' for place, each in enumerate(sections))
    body = "".join(
        f'<section aria-labelledby="s{place}"><h2 id="s{place}">{escape(each.title)}</h2>'
        f"{''.join(each.parts)}</section>"
        for place, each in enumerate(sections)
    )
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script>"
    )
    script = f"<script>const COLOURS = {json.dumps(pairs)};{SCRIPT}</script>"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body><main><h1>{escape(title)}</h1>{"".join(opening)}'
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>{body}</main>{script}</body></html>\n'
    )


def words(text: str, kind: str = "") -> str:
    """A paragraph; ``kind`` may be "warning" or "soft"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(lines: Iterable[str]) -> str:
    """A list of sentences."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def cards(metrics: Iterable[Metric]) -> str:
    """Figures above everything else."""
    inside = "".join(
        f'<div class="card"><dt>{escape(each.label)}</dt><dd class="value">{escape(each.value)}</dd>'
        f"<dd>{escape(each.sub)}</dd></div>"
        for each in metrics
    )
    return f'<dl class="cards">{inside}</dl>'


def drawing(figure: "go.Figure", name: str, says: str) -> str:
    """A figure.

    Parameters
    ----------
    name : of the element: letters, digits and hyphens, one of its kind in the file.
    says : what it shows, in a sentence with its main numbers: for those who do not see it, and below it for all.
    """
    content = json.loads(dressed(figure, paper=False).to_json())
    height = content["layout"].get("height", 300)
    # "<" would end the script inside a text; JSON may write it as an escape.
    text = json.dumps({"data": content["data"], "layout": content["layout"]}).replace("<", "\\u003c")
    return (
        f'<figure><div class="drawing" id="{name}" role="img" aria-label="{escape(says)}" style="height:{height}px">'
        f'</div><figcaption>{escape(says)}</figcaption></figure><script type="application/json" data-to="{name}">'
        f"{text}</script>"
    )


def pairs_table(lines: Iterable[Sequence[str]], says: str, heads: Sequence[str] = ()) -> str:
    """Rows of texts, the first of each its name.

    Parameters
    ----------
    says : what the table is, its caption.
    heads : of the columns; none for a table that needs none.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(value)}</td>" for value in values)}</tr>'
        for name, *values in lines
    )
    return _table(says, f"<thead><tr>{head}</tr></thead>" if head else "", rows)


def table(frame: pd.DataFrame, says: str, *, decimals: int = 3, shade: float | None = None) -> str:
    """A frame with its columns; texts as they stand, numbers to the right, "–" where nothing is known.

    Parameters
    ----------
    decimals : of numbers with a fraction.
    shade : at what size a number's background is at its strongest, as in a map of heat; None leaves it plain. The sign
        is written in any case.
    """
    head = "".join(
        f'<th scope="col"{_right(frame.iloc[:, place])}>{escape(str(name).replace("_", " "))}</th>'
        for place, name in enumerate(frame.columns)
    )
    rows = "".join(
        f"<tr>{''.join(_cell(value, decimals, shade) for value in line)}</tr>" for line in frame.itertuples(index=False)
    )
    return _table(says, f"<thead><tr>{head}</tr></thead>", rows)


def _table(says: str, head: str, rows: str) -> str:
    inside = f"<table><caption>{escape(says)}</caption>{head}<tbody>{rows}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="group" aria-label="{escape(says)}">{inside}</div>'


def _right(column: "pd.Series[Any]") -> str:
    return ' class="n"' if pd.api.types.is_numeric_dtype(column) else ""


def _cell(value: Any, decimals: int, shade: float | None) -> str:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return f'<td class="n">{UNKNOWN}</td>'
    if isinstance(value, (bool, np.bool_)):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, (int, np.integer)):
        return f'<td class="n">{value:,}</td>'
    if isinstance(value, (float, np.floating)):
        if shade is None:
            return f'<td class="n">{value:,.{decimals}f}</td>'
        strength = 0.45 * min(abs(float(value)) / shade, 1.0) if shade > 0.0 else 0.0
        colour = f"rgba(var(--{'up' if value >= 0.0 else 'down'}),{strength:.2f})"
        return f'<td class="n" style="background:{colour}">{value:+,.{decimals}f}</td>'
    if isinstance(value, pd.Timestamp):
        return f'<td class="t">{value:%Y-%m-%d %H:%M:%S}</td>'
    text = escape(str(value))
    return f"<td>{text}</td>" if len(text) < LONG else f'<td class="w">{text}</td>'
