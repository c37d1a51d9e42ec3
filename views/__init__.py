"""The pages: read controls, take a snapshot, call analytics, call a chart, render."""
