"""Folds over rolling windows and filters: one file an estimator."""
