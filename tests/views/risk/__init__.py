"""The risk page."""
