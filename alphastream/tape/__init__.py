"""A tape in memory: the newest ticks of a symbol and the ids that are known."""
