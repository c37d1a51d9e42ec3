"""The scanner page."""
