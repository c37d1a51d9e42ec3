"""The optimiser written down plainly, row by row over whole arrays: slow, and sharing nothing with the compiled one."""

from typing import Any

import numpy as np

from alphastream.core.types import Floats
from alphastream.portfolio import PositionConfig


def deviations(changes: Floats, vola: int, least: int) -> Floats:
    """Exponentially weighted deviations of the rows so far, every weight written out, (T, N)."""
    out = np.full_like(changes, np.nan)
    for t in range(len(changes)):
        for i in range(changes.shape[1]):
            seen = changes[: t + 1, i]
            there = np.isfinite(seen)
            weights = (((vola - 1) / vola) ** np.arange(t, -1, -1, dtype=float))[there]
            if there.sum() < least:
                continue
            mean = (weights @ seen[there]) / weights.sum()
            spread = max((weights @ seen[there] ** 2) / weights.sum() - mean**2, 0.0)
            room = weights.sum() ** 2 - (weights**2).sum()
            out[t, i] = np.sqrt(spread * weights.sum() ** 2 / room) if there.sum() > 1 and room > 0 else np.nan
    return out


def correlations(adjusted: Floats, config: PositionConfig) -> Floats:
    """Weighted correlations of the rows so far that both assets have, (N, N); NaN where those are too few."""
    n = adjusted.shape[1]
    decay = (config.corr / (config.corr + 1)) ** np.arange(len(adjusted) - 1, -1, -1, dtype=float)
    out = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(n):
            both = np.isfinite(adjusted[:, i]) & np.isfinite(adjusted[:, j])
            if both.sum() < config.corr:
                continue
            w, x, y = decay[both], adjusted[both, i], adjusted[both, j]
            x, y = x - (w @ x) / w.sum(), y - (w @ y) / w.sum()
            size = np.sqrt((w @ x**2) * (w @ y**2)) / w.sum()
            if size > config.min_corr_denom:
                out[i, j] = 1.0 if i == j else np.clip((w @ (x * y)) / w.sum() / size, -1.0, 1.0)
    return out


def factor_model(window: Floats, factors: int) -> Floats:
    """B F B' + D of a window of adjusted returns, by singular values."""
    rows = np.where(np.isfinite(window), window, 0.0)
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    k = min(factors, *rows.shape)
    common = (right[:k].T * (singular[:k] ** 2 / len(rows))) @ right[:k]
    return common + np.diag(np.maximum(1.0 - np.diag(common), np.finfo(float).eps))  # type: ignore[no-any-return]


def optimise(prices: Floats, signals: Floats, config: PositionConfig) -> dict[str, Any]:
    """Return cash, risk and volatility (T, N), the statuses, and the condition numbers of the matrices."""
    length, n = prices.shape
    before = np.vstack([np.full((1, n), np.nan), prices[:-1]])
    with np.errstate(all="ignore"):
        rise = np.where(np.isfinite(prices) & np.isfinite(before), prices / before, np.nan)
        changes = np.log(rise)
        adjusted = np.clip(changes / deviations(changes, config.vola, 1), -config.clip, config.clip)
    volatility = deviations(rise - 1.0, config.vola, config.vola)
    cash, held = np.full((length, n), np.nan), np.zeros(n)
    status, condition = [], np.full(length, np.nan)
    for t in range(length):
        matrix = np.full((n, n), np.nan)
        if config.covariance is None:
            matrix = config.shrink * correlations(adjusted[: t + 1], config) + (1.0 - config.shrink) * np.eye(n)
        priced = np.isfinite(prices[t])
        if config.covariance is not None and t + 1 >= config.covariance.window and priced.any():
            factors = min(config.covariance.n_factors, config.covariance.max_components or n)
            rows = adjusted[t + 1 - config.covariance.window : t + 1, priced]
            matrix[np.ix_(priced, priced)] = factor_model(rows, factors)
        used = np.flatnonzero(priced & np.isfinite(np.diag(matrix)))
        signal = np.where(np.isnan(signals[t]), 0.0, signals[t])
        said, new = "valid", np.full(n, np.nan)
        if t + 1 < (config.corr + 1 if config.covariance is None else config.covariance.window):
            said = "warmup"
        elif not priced.any():
            said = "degenerate"
        elif np.all(np.abs(signal[priced]) <= 1e-8):
            said = "zero_signal"
        elif used.size == 0 or np.isnan(matrix[np.ix_(used, used)]).any():
            said = "degenerate"
        else:
            square = matrix[np.ix_(used, used)]
            condition[t] = np.linalg.cond(square)
            try:
                x = np.linalg.solve(square, signal[used])
                norm = float(np.sqrt(max(float(signal[used] @ x), 0.0)))
            except np.linalg.LinAlgError:
                norm = np.nan
            if condition[t] > 1e15 or not np.isfinite(norm) or norm <= config.denom_tol:
                said = "degenerate"
            else:
                with np.errstate(all="ignore"):
                    new[used] = x / norm / volatility[t, used]
                said = "degenerate" if np.isinf(new).any() else said
        wanted = np.where(np.isnan(new), 0.0, new) if said == "valid" else np.zeros(n)
        moves = np.where(priced, wanted - held, 0.0)
        if config.max_turnover is not None and np.abs(moves).sum() > config.max_turnover:
            wanted = held + moves * (config.max_turnover / np.abs(moves).sum())
            new[priced] = wanted[priced]
        held = np.where(priced, wanted, 0.0)
        if said == "valid":
            cash[t] = new
        status.append(said)
    return {
        "cash": cash,
        "risk": cash * volatility,
        "volatility": volatility,
        "status": np.array(status),
        "condition": condition,
    }
