"""Array aliases, once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""float64 values."""

Ints = NDArray[np.int64]
"""int64 values: ids, UTC nanoseconds, counts."""
