"""Connections to venues: the life of a feed, its sockets, the replay."""
