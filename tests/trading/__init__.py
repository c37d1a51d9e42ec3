"""The event core of trading."""
