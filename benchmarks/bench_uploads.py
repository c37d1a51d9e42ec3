"""Large uploads: seconds and peak memory beside pandas.read_csv and polars.read_csv, and what bombs cost.

``python -m benchmarks.bench_uploads`` writes the files into a temporary folder and reads each in a process of its own,
reader after reader, three times over. Rivals only parse the text into columns; ours also tells what the columns are,
reads times as UTC nanoseconds, checks every price, and sorts the rows of each symbol. Peak memory is what the process
grows by while it reads, the file's pages aside.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

ROUNDS: Final = 3
SYMBOLS: Final = 2_000
DAYS: Final = 1_500
START_MS: Final = 1_723_075_200_000
READERS: Final = {
    "AlphaStream": ("from alphastream.uploads import read", "with open(path, 'rb') as file: kept = read(name, file)"),
    "pandas.read_csv": ("import pandas", "kept = pandas.read_csv(path)"),
    "polars.read_csv": ("import polars", "kept = polars.read_csv(path)"),
}
TIMED: Final = """
import json, re, sys, time
from pathlib import Path
{imports}
path = {path!r}
name = Path(path).name
def memory(field):
    return int(re.search(field + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
base, begin = memory("VmRSS"), time.perf_counter()
try:
    {work}
    said = ""
except ValueError as error:
    said = str(error)
print(json.dumps([time.perf_counter() - begin, memory("VmHWM") - base, said]))
"""


def write_ticks(path: Path, rows: int) -> None:
    """Trades of two symbols, 52 bytes a row."""
    draw = np.random.default_rng(7)
    first = draw.random(rows) < 0.5
    price = 55_000 + np.cumsum(draw.normal(0, 0.5, rows))
    pd.DataFrame(
        {
            "transact_time": START_MS + np.cumsum(draw.integers(0, 60, rows)),
            "symbol": np.where(first, "BTCUSDT", "ETHUSDT"),
            "price": np.where(first, np.round(price, 1), np.round(price / 20, 2)),
            "quantity": np.round(draw.exponential(0.3, rows) + 0.001, 3),
            "agg_trade_id": np.arange(rows) + 2_000_000_000,
            "is_buyer_maker": draw.random(rows) < 0.5,
        }
    ).to_csv(path, index=False)


def write_narrow(path: Path, rows: int) -> None:
    """The shortest rows there are: a second and one digit, 13 bytes."""
    at = np.arange(rows)
    pd.DataFrame({"time": START_MS // 1000 + at // 50, "price": 7 + at % 3}).to_csv(path, index=False)


def write_days(long: Path, wide: Path) -> None:
    """Daily bars of many symbols below each other, and their closes beside each other."""
    draw = np.random.default_rng(7)
    days = pd.date_range("2018-01-01", periods=DAYS).strftime("%Y-%m-%d")
    names = [f"S{at:04}" for at in range(SYMBOLS)]
    close = np.round(100 * np.exp(np.cumsum(draw.normal(0, 0.01, (DAYS, SYMBOLS)), axis=0)), 2)
    table = pd.DataFrame(close, columns=names)
    table.insert(0, "date", days)
    table.to_csv(wide, index=False)
    flat = close.ravel()
    pd.DataFrame(
        {
            "date": np.repeat(days, SYMBOLS),
            "symbol": np.tile(names, DAYS),
            "open": flat,
            "high": np.round(flat * 1.01, 2),
            "low": np.round(flat * 0.99, 2),
            "close": flat,
            "volume": draw.integers(1, 10**6, len(flat)),
        }
    ).to_csv(long, index=False)


def timed(path: Path, reader: str) -> tuple[float, float, str]:
    """Seconds, megabytes, and what an error said."""
    imports, work = READERS[reader]
    script = TIMED.format(imports=imports, work=work, path=str(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, megabytes, said = json.loads(done.stdout)
    return seconds, megabytes, said


def compare(what: str, path: Path) -> None:
    """One line a reader."""
    size = path.stat().st_size / 2**20
    runs = [(reader, timed(path, reader)) for _ in range(ROUNDS) for reader in READERS]
    ours = statistics.median(run[0] for reader, run in runs if reader == "AlphaStream")
    print(f"\n{what}, {size:.0f} MB")
    for reader in READERS:
        own = [run for name, run in runs if name == reader]
        seconds, megabytes = statistics.median(run[0] for run in own), max(run[1] for run in own)
        refused = f"  {own[0][2]}" if own[0][2] else ""
        print(
            f"  {reader:<16} {seconds:6.2f} s  peak {megabytes:6.0f} MB = {megabytes / size:4.1f} of the file"
            f"  {seconds / ours:5.2f} of our time{refused}"
        )


def bombs(folder: Path) -> None:
    """What files cost that are refused."""
    row = b"2024-08-08 00:00:00,BTCUSDT,55108.7,0.004\n"
    head = b"timestamp,symbol,price,size\n"
    made = {
        "line-of-200-MB.csv": head + b"1" * 200 * 2**20,
        "million-columns.csv": b",".join(b"%d" % at for at in range(1_000_000)) + b"\n" + row,
        "hundred-thousand-columns.csv": b"date" + b"".join(b",S%d" % at for at in range(100_000)) + b"\n2024-01-02\n",
        "million-symbols.csv": head + b"".join(b"2024-01-02,X%d,1,1\n" % at for at in range(1_000_000)),
        "open-quotation.csv": head + row * 9_000 + b'"' + row * 4_000_000,
        "million-keys.ndjson": b"{" + b",".join(b'"%d":1' % at for at in range(1_000_000)) + b"}\n",
        "empty-objects.ndjson": b'{"ts":1723075200'
        + b"".join(b',"S%d":1' % at for at in range(9_000))
        + b"}\n"
        + b"{}\n" * 9_000_000,
    }
    print("\nrefused")
    for name, content in made.items():
        path = folder / name
        path.write_bytes(content)
        seconds, megabytes, said = timed(path, "AlphaStream")
        print(f"  {name:<30} {seconds:5.2f} s  peak {megabytes:5.0f} MB  {said[:90]}")
        path.unlink()


def main() -> None:
    """Print everything."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ticks, narrow, long, wide = (folder / f"{name}.csv" for name in ("BTC ticks", "BTC", "long", "wide"))
        write_ticks(ticks, 1_900_000)
        write_narrow(narrow, 15_000_000)
        write_days(long, wide)
        compare("1,900,000 ticks of two symbols", ticks)
        compare(f"{SYMBOLS:,} symbols x {DAYS:,} days, long", long)
        compare(f"{SYMBOLS:,} symbols x {DAYS:,} days, wide", wide)
        compare("15,000,000 rows of 13 bytes", narrow)
        bombs(folder)


if __name__ == "__main__":
    main()
