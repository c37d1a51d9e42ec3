"""Figures and reports of a run and of the position optimiser, without a page and without a network."""
