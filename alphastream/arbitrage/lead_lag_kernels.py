"""Compiled: the Hayashi-Yoshida contrast of many lags, block by block, and which lags may be the best one."""

import numpy as np
from numpy.typing import NDArray

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints


@kernel
def block_contrasts(a_time: Ints, a_log: Floats, b_time: Ints, b_log: Floats, lags: Ints, bounds: Ints) -> Floats:
    """Return Σ Δa·Δb over intervals that overlap when b is moved back by a lag, of each block and lag.

    Parameters
    ----------
    a_time, a_log, b_time, b_log : times, strictly ascending, and log prices.
    lags : shape (K,).
    bounds : of the blocks, shape (B + 1,); a return of a belongs to the block that its end lies in.

    Returns
    -------
    Shape (B, K).
    """
    blocks = bounds.size - 1
    found = np.zeros((blocks, lags.size))
    last = b_time.size - 1
    for k in range(lags.size):
        lag = lags[k]
        start = end = block = 0
        for i in range(1, a_time.size):
            move = a_log[i] - a_log[i - 1]
            if move == 0.0 or a_time[i - 1] < bounds[0]:
                continue
            while block < blocks and a_time[i] > bounds[block + 1]:
                block += 1
            if block == blocks:
                break
            while start < last and b_time[start + 1] - lag <= a_time[i - 1]:
                start += 1
            while end < last and b_time[end] - lag < a_time[i]:
                end += 1
            found[block, k] += move * (b_log[end] - b_log[start])
    return found


@kernel
def confidence_test(contrasts: Floats, draws: Floats, kappa: float, level: float) -> NDArray[np.bool_]:
    """Return which lags are not rejected as the one with the largest expected contrast.

    Of lag k, T = max over lags j of (mean of j − mean of k) / standard error of that difference. Its distribution
    where k is the best is that of the same in blocks drawn again, less what the sample shows, over those j that are
    not more than ``kappa`` standard errors worse than k.

    Parameters
    ----------
    contrasts : shape (B, K).
    draws : weights of the blocks, shape (R, B).
    """
    blocks, count = contrasts.shape
    means = np.zeros(count)
    for k in range(count):
        means[k] = contrasts[:, k].mean()
    drawn = np.dot(draws, contrasts) - means
    kept = np.zeros(count, np.bool_)
    largest = np.empty(draws.shape[0])
    for k in range(count):
        statistic = 0.0
        largest[:] = 0.0
        for j in range(count):
            mean = means[j] - means[k]
            square = 0.0
            for block in range(blocks):
                off = contrasts[block, j] - contrasts[block, k] - mean
                square += off * off
            error = np.sqrt(square / (blocks - 1) / blocks)
            if error == 0.0:
                continue
            lead = mean / error
            statistic = max(statistic, lead)
            if lead >= -kappa:
                for row in range(draws.shape[0]):
                    largest[row] = max(largest[row], (drawn[row, j] - drawn[row, k]) / error)
        kept[k] = statistic <= np.quantile(largest, level)
    return kept
