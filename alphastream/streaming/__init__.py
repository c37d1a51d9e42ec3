"""Pairs kept up to date while trades come: bars from a growing tape, rows and states of many pairs. No thread."""
