"""Queries to begin with. No Streamlit."""

from collections.abc import Sequence
from typing import Final

from alphastream.history.sql import literal
from alphastream.instruments import split

CANDLES: Final = """\
SELECT time_bucket(INTERVAL 1 MINUTE, time) AS minute, venue || ':' || symbol AS instrument,
       arg_min(price, (time, id)) AS open, max(price) AS high, min(price) AS low, arg_max(price, (time, id)) AS close,
       sum(quantity) AS volume, count(*) AS trades
FROM ticks
GROUP BY ALL
ORDER BY minute, instrument"""

_NEWEST: Final = """\
SELECT venue || ':' || symbol AS instrument, count(*) AS trades, sum(price * quantity) AS notional,
       sum(CASE WHEN buyer_is_maker THEN -quantity ELSE quantity END) / sum(quantity) AS imbalance,
       last(price ORDER BY time, id) / first(price ORDER BY time, id) - 1 AS change
FROM ticks
WHERE time >= (SELECT max(time) FROM ticks) - INTERVAL 5 MINUTE
GROUP BY ALL
ORDER BY notional DESC"""

_VWAP: Final = """\
SELECT time_bucket(INTERVAL 1 MINUTE, time) AS minute, venue || ':' || symbol AS instrument,
       sum(price * quantity) / sum(quantity) AS vwap, sum(quantity) AS volume
FROM ticks
GROUP BY ALL
ORDER BY minute, instrument"""

_ARBITRAGE: Final = """\
SELECT time, closed, asset, instrument_a AS buy, instrument_b AS sell, profit_pct, volume_usd, error_ms
FROM signals
WHERE time >= (SELECT max(time) FROM signals) - INTERVAL 5 MINUTE
ORDER BY profit_pct DESC"""

_ASOF: Final = """\
WITH y AS (SELECT * FROM ticks WHERE venue = {y_venue} AND symbol = {y_symbol}),
     x AS (SELECT * FROM ticks WHERE venue = {x_venue} AND symbol = {x_symbol})
SELECT y.time, y.price AS y, x.price AS x, y.price / x.price AS ratio,
       (epoch_ns(y.time) - epoch_ns(x.time)) / 1e6 AS age_ms
FROM y ASOF JOIN x ON y.time >= x.time
ORDER BY y.time"""

_LARGEST: Final = """\
SELECT time, venue || ':' || symbol AS instrument, price, quantity, price * quantity AS notional,
       CASE WHEN buyer_is_maker THEN 'sell' ELSE 'buy' END AS aggressor
FROM ticks
ORDER BY notional DESC
LIMIT 100"""

_GAPS: Final = """\
SELECT venue || ':' || symbol AS instrument, before AS from_time, time AS to_time,
       (epoch_ns(time) - epoch_ns(before)) / 1e9 AS seconds
FROM (SELECT venue, symbol, time, lag(time) OVER (PARTITION BY venue, symbol ORDER BY time, id) AS before FROM ticks)
WHERE before IS NOT NULL
ORDER BY seconds DESC
LIMIT 50"""


def examples(instruments: Sequence[str]) -> dict[str, str]:
    """Queries by their names, all of which run whatever was recorded.

    Parameters
    ----------
    instruments : ``venue:symbol``; the first two are the legs of the join, y first. With one it is both.
    """
    legs = [split(name) for name in [*instruments[:2], *instruments[:1]][:2]] or [("", ""), ("", "")]
    (y_venue, y_symbol), (x_venue, x_symbol) = ((literal(venue), literal(symbol)) for venue, symbol in legs)
    return {
        "Candles": CANDLES,
        "Last 5 minutes": _NEWEST,
        "VWAP": _VWAP,
        "Arbitrage, last 5 minutes": _ARBITRAGE,
        "Join two legs": _ASOF.format(y_venue=y_venue, y_symbol=y_symbol, x_venue=x_venue, x_symbol=x_symbol),
        "Largest trades": _LARGEST,
        "Gaps in time": _GAPS,
    }
