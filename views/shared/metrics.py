"""A number with its name, and how amounts, sides and venues are written on every page. No Streamlit."""

import unicodedata

from alphastream.reports.metrics import SIDES as SIDES  # what pages and reports write alike
from alphastream.reports.metrics import UNKNOWN as UNKNOWN
from alphastream.reports.metrics import Metric as Metric
from alphastream.reports.metrics import money as money


def plain(name: str) -> str:
    """A venue's name without signs that many fonts lack: "USDⓈ-M" as "USDS-M"."""
    return unicodedata.normalize("NFKC", name)
