"""One way from a trade to an answer at three sizes: laptop, one server, cluster. The answers are the same."""
