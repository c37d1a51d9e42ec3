"""Paper trading while the application runs: the service, one run, its journal, what pages see."""
