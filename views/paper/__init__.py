"""Strategies on the trades that arrive, each beside the backtest of the same hours."""
