"""How a tape stands in an SQLite file: instruments, blocks of ticks, and the files that took older ones.

Reading is here. Writing and upkeep are ``runtime.stores``.
"""
