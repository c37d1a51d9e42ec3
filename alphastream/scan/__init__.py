"""A universe of symbols to ranked pairs, with false discoveries under control.

``scan_pairs`` tests every pair, ``summarise`` says what the table is worth as a whole, ``clusters`` and
``correlation_matrix`` show which symbols move together; ``tape_correlation`` does that for trades. ``scan_baskets``
searches spreads of several legs, chosen on some rows and judged on others.
"""

from alphastream.scan.baskets import BasketScanSummary, scan_baskets, summarise_baskets
from alphastream.scan.clusters import Clusters, clusters, correlation_matrix
from alphastream.scan.discoveries import LEVEL, ScanSummary, qvalues, summarise
from alphastream.scan.scanner import COLUMNS, Direction, scan_pairs, warm_up
from alphastream.scan.tape_correlation import TapeCorrelation, tape_correlation
from alphastream.scan.work import ScanCancelled

__all__ = [
    "COLUMNS",
    "LEVEL",
    "BasketScanSummary",
    "Clusters",
    "Direction",
    "ScanCancelled",
    "ScanSummary",
    "TapeCorrelation",
    "clusters",
    "correlation_matrix",
    "qvalues",
    "scan_baskets",
    "scan_pairs",
    "summarise",
    "summarise_baskets",
    "tape_correlation",
    "warm_up",
]
