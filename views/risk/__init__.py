"""What is held and what it may lose, every second: exposure, tail risk, limits, what-if."""
