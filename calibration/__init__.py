"""How often each verdict of the pages is wrong, on simulated markets. `make calibration` prints the table."""
