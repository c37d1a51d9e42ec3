"""What each page answers, shows, and does not say: the texts of its head. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Head:
    """The texts of a page's head, in Markdown; words of the glossary become links by themselves.

    Parameters
    ----------
    sentence : what the page answers.
    shown : what is on it.
    reading : how to read it.
    limits : what it does not say.
    """

    sentence: str
    shown: str
    reading: str
    limits: str


HEADS: Final[Mapping[str, Head]] = {
    "Start": Head(
        "What is a spread, and what can be done with one here?",
        "Three ways to begin on data that come with the program, and what a spread is in three pictures that are drawn "
        "from a recording of real trades.",
        "From left to right: two prices, what is left when one is hedged with the other, and how far that is from its "
        "mean. Each button leads to a result; every page has a box like this one.",
        "Nothing here is advice. That a spread came back in the pictures does not say that it will.",
    ),
    "Live pair": Head(
        "Is this pair away from its mean now, and does it pay to trade that?",
        "Two symbols while they trade: prices, their spread with its mean, the z-score with your thresholds, the "
        "hedge ratio and volumes. Cards above say the same in numbers.",
        "Beyond the entry line the spread is unusually wide or narrow; the signal says which side would be "
        "bought. A number that says calibrating has too few bars yet. The last bar is still forming: only closed "
        "bars give signals.",
        "A signal is no fill and no forecast. Large z-scores come by chance as well; look at evidence and at the "
        "edge after costs before you believe one.",
    ),
    "Watchlist": Head(
        "Which of my pairs is away from its mean now?",
        "A row a pair while they trade: its z-score with the last 60 bars, signal, half-life, evidence, what the way "
        "back to the mean would leave after costs, and the age of the leg that traded longer ago.",
        "Click a column to sort by it, and a row to open its pair. All pairs of a list have the same bars, model and "
        "thresholds. The list stands in the address; kept by name it is there for all who use this app.",
        "Among many pairs some look good by chance: the p-values are of each pair alone. A signal is no fill, and the "
        "edge no forecast.",
    ),
    "Microstructure": Head(
        "Who crosses the spread in either leg, how far that moves the price, and what the book offers.",
        "Signed volume, imbalance of trades and book, large prints, sizes, a profile of volume by price, depth, "
        "and how fast it comes back.",
        "Both legs stand side by side on one clock. Positive is bought by takers. Kyle's lambda says how many bps "
        "a unit of signed volume moved the price.",
        "VPIN and imbalance move with volatility and do not foresee it. Where a venue gives no book, nothing is "
        "said of depth.",
    ),
    "Scanner": Head(
        "Which pairs of many symbols belong together, and how many would look so by chance?",
        "Every two symbols of a universe, tested for cointegration and ranked, with maps of correlation and of "
        "q-values, and a tree of who belongs to whom.",
        "Read the sentence above the table first: it compares what was found with what chance would give. Then "
        "q-values, then whether both halves agree (persists), then half-life and edge.",
        "A small p-value among thousands of pairs means little. What is green is not a forecast: the relation may "
        "end tomorrow, and costs beyond yours are not in it.",
    ),
    "Portfolio": Head(
        "How much to hold of each symbol, when several signals and their correlations are known?",
        "Positions over several pairs or symbols, from closed bars, with their risk, their result after costs and "
        "the matrix that they were solved with.",
        "The table has the newest targets. The chart has how positions and result went. A high condition number "
        "or a low effective rank says that the correlations are not to be trusted.",
        "Only proportions of signals count, not their size. A target can be filled on the next bar at the "
        "earliest, and the future may have other correlations.",
    ),
    "Backtest": Head(
        "What would this strategy have earned after costs, and how much of that may be luck?",
        "A strategy over recorded trades or files: equity, drawdown, trades with reasons, costs in parts, a sweep "
        "over parameters, and a walk-forward.",
        "Look at net, not gross, then at the deflated Sharpe ratio: it asks whether the best of many trials is "
        "more than luck. A walk-forward says what choosing parameters from the past would have brought.",
        "It happened in the past, on fills that are simulated. Parameters chosen on the same rows look better "
        "than they are.",
    ),
    "Runs": Head(
        "Which of the runs that were kept did better, and where do their settings differ?",
        "Backtests that somebody kept: what they were asked, what came of them, their equity, and which code ran.",
        "Settings that differ stand first. Compare runs of the same rows; where data or time differ, the page says so. "
        "Open one to have its settings on the Backtest page again.",
        "The best of several looks better than it is. Trades and data are not kept: a run that is opened again reads "
        "them anew.",
    ),
    "Paper": Head(
        "Does a strategy do on trades that arrive what its backtest says?",
        "Runs on live trades with simulated fills, each beside the backtest of the same hours, and a reason for "
        "every order that differs.",
        "Start a run on the second tab; it goes on when the browser is closed. Equal lines mean that the backtest "
        "told the truth about these hours.",
        "No order leaves this program. Simulated fills do not move the market, and what others would have done "
        "because of yours is not in them.",
    ),
    "Arbitrage": Head(
        "Could the same asset be bought at one venue and sold dearer at another, after all assumed costs?",
        "Edges between venues now, how they went, closed episodes, and which venue moves first.",
        "An edge counts only where it is positive for any error that the clocks may have. Episodes say how long "
        "it lasted.",
        "Nothing is traded. Transfers between venues, limits of accounts and what an order moves are not in it.",
    ),
    "Risk": Head(
        "What do all paper runs and your own positions hold together, and what may that lose?",
        "Exposure, value at risk and expected shortfall, drawdown, margin, breaks of correlation, limits, and what-if.",
        "A value at risk of 1,000 at 95 % was exceeded by five of a hundred past moves. Limits that are broken "
        "raise alerts.",
        "All of it is from past moves, without a law of returns: what never happened in those is not in it.",
    ),
    "Alerts": Head(
        "When shall this program call you, and how did it go?",
        "Rules on any number of a pair, a leg, books or the feed; what fired and where it was sent; the webhooks.",
        "A rule fires once when its level is reached and again only after it was clear for a time. It is watched "
        "with no browser open.",
        "A message may come late or never arrive: it depends on networks that others run.",
    ),
    "History": Head(
        "How did a pair behave in files of yours, in bundled data, or in what was recorded?",
        "The same numbers as on the live page over all rows of a source: bundled daily prices, the bundled "
        "recording, what this app recorded, or files that you bring. On the second tab SQL over what was "
        "recorded.",
        "Choose a source, then a pair, bars and a model. The chart zooms with the mouse; the boxes below have "
        "tests, indicators and files to take away.",
        "A test over all rows knows the end of the story: what looks tradable here was chosen with hindsight.",
    ),
    "Health": Head(
        "Does everything run, how late is it, and what is kept?",
        "Feeds, threads, memory, files, gaps in the tape, and the time from a trade to the screen.",
        "Green above means that everything does what was asked for; otherwise each trouble has a line. Ages count "
        "on while you look.",
        "It says how this program is, not whether its numbers are worth trading.",
    ),
    "Glossary": Head(
        "What is meant by the words that the pages use?",
        "Every word that help texts and explanations use in a particular sense, in the order of their letters.",
        "Words that are underlined in a help text lead here. Each has an address of its own, to pass on.",
        "What the field means elsewhere may differ. Words of the source code are in docs/glossary.md.",
    ),
}
