"""A strategy over recorded trades or files: what it costs, and how much of it may be luck."""
