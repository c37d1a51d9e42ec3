"""Risk of what is held."""
