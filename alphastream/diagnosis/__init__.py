"""Second opinions on a pair: the tests an econometrician reads beside the one number on the page."""

from alphastream.diagnosis.asynchrony import Asynchrony, asynchrony
from alphastream.diagnosis.findings import Finding, diagnose
from alphastream.diagnosis.holdout import Holdout, holdout

__all__ = ["Asynchrony", "Finding", "Holdout", "asynchrony", "diagnose", "holdout"]
