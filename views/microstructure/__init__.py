"""The microstructure page: who crosses the spread, how far that moves the price, and what the book offers."""
