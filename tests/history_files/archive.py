"""Files as the exchange publishes them: names, folders, headers, units and spellings of data.binance.vision."""

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

DAY_MS: Final = 86_400_000
START_MS: Final = 1_723_075_200_000
"""2024-08-08 00:00 UTC."""

AGG_TRADES: Final = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
TRADES: Final = "id,price,qty,quote_qty,time,is_buyer_maker"
KLINES: Final = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
BOOK_TICKER: Final = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
FUNDING: Final = "calc_time,funding_interval_hours,last_funding_rate"


def publish(path: Path, lines: Iterable[str], *, checksum: bool = False) -> Path:
    """Write lines as the one CSV of a zip, and, where wanted, its checksum beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = zipfile.ZipInfo(f"{path.stem}.csv", (2024, 8, 9, 2, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "".join(f"{line}\n" for line in lines))
    if checksum:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")
    return path


def um(root: Path, cadence: str, content: str, symbol: str, period: str, interval: str = "") -> Path:
    """Where a file of the USDS-M futures lies."""
    folder = root / "data/futures/um" / cadence / content / symbol / interval
    return folder / f"{symbol}-{interval or content}-{period}.zip"


def spot(root: Path, cadence: str, content: str, symbol: str, period: str, interval: str = "") -> Path:
    """Where a file of the spot market lies."""
    folder = root / "data/spot" / cadence / content / symbol / interval
    return folder / f"{symbol}-{interval or content}-{period}.zip"


def futures_trades(ids: Sequence[int], start_ms: int = START_MS, step_ms: int = 500) -> list[str]:
    """Aggregate trades of futures, whose time and price follow from their ids."""
    return [
        f"{each},{60_000 + each % 70 / 10:.1f},{(each % 9 + 1) / 1000:.3f},{each * 3},{each * 3 + 1},"
        f"{start_ms + (each - ids[0]) * step_ms},{'true' if each % 3 else 'false'}"
        for each in ids
    ]


def spot_trades(ids: Sequence[int], start_us: int, step_us: int = 1_000_001) -> list[str]:
    """Aggregate trades of the spot market since 2025: no header, one column more, microseconds, True and False."""
    return [
        f"{each},{60_000 + each % 70 / 100:.8f},{(each % 9 + 1) / 100_000:.8f},{each},{each},"
        f"{start_us + (each - ids[0]) * step_us},{'True' if each % 2 else 'False'},True"
        for each in ids
    ]
