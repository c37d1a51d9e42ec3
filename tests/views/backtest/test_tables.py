"""Tables and files of a backtest."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.views.runs import PAIR, SMALL, played
from views.backtest import tables as tables


def test_without_a_trade_files_have_a_header() -> None:
    run, found = played(pair=replace(PAIR, entry=50.0))
    assert len(tables.trades_frame(run, found)) == 0
    assert tables.trades_csv(run, found).decode().startswith("number,opened")
    assert tables.fills_csv(run).decode().splitlines() == [",".join(tables.ORDER_COLUMNS)]


def test_trades_add_up_and_say_why_they_ended() -> None:
    run, found = played(stop=2.5)
    frame = tables.trades_frame(run, found)
    assert frame["net"].sum() == pytest.approx(found.profit)
    np.testing.assert_allclose(frame["gross"] - frame["costs"], frame["net"])
    reasons = set(frame["reason"])
    assert {"exit", "stop"} <= reasons
    assert frame.loc[frame["closed"].isna(), "reason"].isin(["still open"]).all()
    assert frame["legs"].str.startswith("ETHUSDT").all()


def test_files_hold_every_row_fill_and_leg() -> None:
    run, found = played()
    table = pd.read_csv(io.BytesIO(tables.trades_csv(run, found)))
    assert len(table) == len(found.round_trips)
    np.testing.assert_allclose(
        table["gross"] - table["fees"] - table["spread"] - table["impact"] + table["funding"], table["net"]
    )
    labels = {"zscore": "zscore: ZScore(window=20).zscore"}
    equity = pd.read_csv(io.BytesIO(tables.equity_csv(run, labels)))
    assert len(equity) == len(run)
    assert labels["zscore"] in equity
    np.testing.assert_allclose(equity["BTCUSDT.position"], run.positions[:, 1])
    fills = pd.read_csv(io.BytesIO(tables.fills_csv(run)))
    filled = fills[fills["time"].notna()]
    assert len(filled) == len(run.fills)
    assert filled["fee"].sum() == pytest.approx(found.split.fees)


def test_refused_orders_are_in_the_file() -> None:
    run, _ = played(rules=SMALL)
    fills = pd.read_csv(io.BytesIO(tables.fills_csv(run)))
    assert (fills["state"] == "rejected").all()
