"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # no test asserts on seconds
settings.load_profile("shared machine")
