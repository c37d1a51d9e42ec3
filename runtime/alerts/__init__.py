"""Alerts while the application runs: the service that watches rules, its files, webhooks."""
