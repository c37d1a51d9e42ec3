"""The short way for a notebook: data, indicators, strategies, and run, sweep, walk forward or paper them."""

from alphastream.study.data import Data, Instrument, instruments
from alphastream.study.handles import Indicator
from alphastream.study.recipe import Recipe
from alphastream.study.results import StudyResult
from alphastream.study.study import Study
from alphastream.study.walks import WalkedForward

__all__ = ["Data", "Indicator", "Instrument", "Recipe", "Study", "StudyResult", "WalkedForward", "instruments"]
