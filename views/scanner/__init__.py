"""All pairs of a universe, ranked, with false discoveries under control."""
