"""Import paths that people outside the project use: they stay where they are, whatever moves behind them."""

from importlib import import_module

import pytest

PUBLIC: dict[str, str] = {
    "alphastream.estimators": "RollingOLS RollingTLS RollingHuber KalmanHedge ZScore RollingCorrelation adf "
    "engle_granger kpss phillips_perron variance_ratio hurst johansen half_life hayashi_yoshida",
    "alphastream.pairs": "PairSpec analyse",
    "alphastream.bars": "aggregate align",
    "alphastream.scan": "scan_pairs",
    "alphastream.portfolio": "PositionConfig SlidingWindow PositionStream optimise",
    "alphastream.trading": "Event EventSource FifoQueueEventSource Producer BacktestingDispatcher RealtimeDispatcher "
    "backtesting_dispatcher realtime_dispatcher TokenBucketLimiter TradingSignal TradingSignalSource Pair PairInfo "
    "round_decimal truncate_decimal utc_now local_now OrderOperation Position",
    "alphastream.feeds": "FEEDS",
    "alphastream.events": "Tick Bar",
    "alphastream.instruments": "InstrumentId",
    "alphastream.errors": "AlphaStreamError",
    "alphastream.graph": "Node Graph",
    "alphastream.uploads": "read combine",
    "alphastream.diagnosis": "diagnose asynchrony",
    "alphastream.backtest": "backtest TickMarket BarMarket LiveRun sweep walk_forward",
    "alphastream.strategies": "ZScoreThreshold InnovationThreshold PositionOptimiser ThresholdRule FixedNotional",
    "storage": "TickStore",
    "analytics": "QuantEngine",
    "ingest": "Ingest Health",
    "config": "Settings load",
}


@pytest.mark.parametrize("module", PUBLIC)
def test_what_others_import_is_there(module: str) -> None:
    found = import_module(module)
    missing = [name for name in PUBLIC[module].split() if not hasattr(found, name)]
    assert not missing, f"{module} lacks {', '.join(missing)}"
