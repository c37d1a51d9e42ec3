"""Events: sources, dispatchers, signals."""
