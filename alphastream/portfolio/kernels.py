"""The compiled row: what turns the state, one row of prices and one of signals into the next state and positions.

A state is one float64 array, its *block*. The step numbers in the comments are those of
docs/decisions/0014-positions-row-by-row.md, where the formulas stand. One file although it is long: each function
works on places of the same block, and the compiler inlines them into one row.
"""

from math import isfinite, log, sqrt

import numpy as np

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats

# A block: its head, then VECTORS vectors of N values, then what the covariance needs.
ROWS, WEIGHT, COUNT, SLOT, HEAD = 0, 1, 2, 3, 4
PRICE, SIGNAL, CASH, RISK, VOLATILITY = 0, 1, 2, 3, 4  # the last row: its inputs and its positions
LOG_SUM, LOG_SQUARES, SUM, SQUARES, VECTOR_WEIGHT, VECTOR_WEIGHT2, VECTOR_COUNT = 5, 6, 7, 8, 9, 10, 11
MEAN, HELD, ADJUSTED, VECTORS = 12, 13, 14, 15
# EWMA: the products of each pair, the upper triangle row by row. While every row had either all assets or none, the
# weight and the count of all pairs are equal and stand in the head, and the sums of the assets in MEAN. The first row
# with some of them needs 2·N(N + 1)/2 + 2·N² places more: weight and count of each pair, and the sums and the sums of
# squares of i over the rows of (i, j).
# Sliding window: its rows, and their Gram matrix, of assets or of rows, whichever is smaller.

# The parameters, in this order.
VOLA, CORR, CLIP, SHRINK, DENOM_TOL, MIN_CORR_DENOM, MAX_TURNOVER, WINDOW, FACTORS, ASSETS = range(10)

# What a row came to.
VALID, PARTIAL, WARMUP, NO_PRICE, ZERO_SIGNAL, NO_ASSET, FEW_PAIRS, SINGULAR, NO_NORM, INFINITE = range(10)
GROW, BAD_PRICE = -1, -2  # not done: the block needs its pair sums; a price is zero or negative

ZERO = 1e-8  # signals up to here count as none
EPS = 2.220446049250313e-16
VANISHED = 1e-290  # a weight down here has lost its digits
SMALL = 16  # matrices up to here are solved without stripes
SMALLEST_RESIDUAL = 1e-3  # below it the factor form loses digits that the dense form keeps
LANES = 8
STRIPE = 4


@kernel
def _returns(block: Floats, previous: Floats, params: Floats) -> int:
    """Steps 1 to 3. Returns how many assets have an adjusted return, or BAD_PRICE."""
    n = int(params[ASSETS])
    vola, clip = params[VOLA], params[CLIP]
    beta = (vola - 1.0) / vola
    v = block[HEAD:]
    present = 0
    for i in range(n):
        price, before = v[i], previous[HEAD + i]
        if price <= 0.0:
            return BAD_PRICE
        rise = price / before if isfinite(price) and isfinite(before) else np.nan
        weight, weight2 = beta * v[VECTOR_WEIGHT * n + i], beta * beta * v[VECTOR_WEIGHT2 * n + i]
        log_sum, log_squares = beta * v[LOG_SUM * n + i], beta * v[LOG_SQUARES * n + i]
        plain_sum, plain_squares = beta * v[SUM * n + i], beta * v[SQUARES * n + i]
        count = v[VECTOR_COUNT * n + i]
        adjusted = np.nan
        moved = rise > 0.0 and isfinite(rise)
        if moved:
            change, growth = log(rise), rise - 1.0
            weight, weight2, count = weight + 1.0, weight2 + 1.0, count + 1.0
            log_sum, log_squares = log_sum + change, log_squares + change * change
            plain_sum, plain_squares = plain_sum + growth, plain_squares + growth * growth
        share = weight * weight - weight2
        unbiased = weight * weight / share if share > 0.0 else np.nan  # one return has no deviation
        inverse = 1.0 / weight if weight > VANISHED else np.nan
        if moved:
            mean = log_sum * inverse
            std = sqrt(max(log_squares * inverse - mean * mean, 0.0) * unbiased)
            if std > 0.0 or (std == 0.0 and change != 0.0):
                adjusted = min(max(change / std, -clip), clip)
        volatility = np.nan
        if count >= vola and weight > VANISHED:
            mean = plain_sum * inverse
            volatility = sqrt(max(plain_squares * inverse - mean * mean, 0.0) * unbiased)
        v[VECTOR_WEIGHT * n + i], v[VECTOR_WEIGHT2 * n + i], v[VECTOR_COUNT * n + i] = weight, weight2, count
        v[LOG_SUM * n + i], v[LOG_SQUARES * n + i] = log_sum, log_squares
        v[SUM * n + i], v[SQUARES * n + i] = plain_sum, plain_squares
        v[VOLATILITY * n + i], v[ADJUSTED * n + i] = volatility, adjusted
        if isfinite(adjusted):
            present += 1
    return present


@kernel
def _remember(block: Floats, present: int, params: Floats) -> bool:
    """Step 4, the sums. False when the block has no room for those of pairs and needs it."""
    n = int(params[ASSETS])
    b = params[CORR] / (params[CORR] + 1.0)
    triangle = n * (n + 1) // 2
    start = HEAD + VECTORS * n
    paired = block.size > start + triangle
    if not paired and 0 < present < n:
        return False
    adjusted = block[HEAD + ADJUSTED * n : HEAD + (ADJUSTED + 1) * n]
    products = block[start : start + triangle]
    if not paired:
        all_there = 1.0 if present > 0 else 0.0
        block[WEIGHT] = b * block[WEIGHT] + all_there
        block[COUNT] += all_there
        if present == 0:
            for at in range(triangle):
                products[at] *= b
            for i in range(HEAD + MEAN * n, HEAD + (MEAN + 1) * n):
                block[i] *= b
            return True
        mean = block[HEAD + MEAN * n : HEAD + (MEAN + 1) * n]
        for i in range(n):
            mean[i] = b * mean[i] + adjusted[i]
        at = 0
        for i in range(n):
            a = adjusted[i]
            row, right = products[at : at + n - i], adjusted[i:]
            for j in range(n - i):
                row[j] = b * row[j] + a * right[j]
            at += n - i
        return True
    weights, counts = block[start + triangle : start + 2 * triangle], block[start + 2 * triangle : start + 3 * triangle]
    sums = block[start + 3 * triangle : start + 3 * triangle + n * n].reshape(n, n)
    squares = block[start + 3 * triangle + n * n :].reshape(n, n)
    there, value = np.zeros(n), np.zeros(n)
    for i in range(n):
        if isfinite(adjusted[i]):
            there[i], value[i] = 1.0, adjusted[i]
    at = 0
    for i in range(n):
        for j in range(n - i):
            both = there[i] * there[i + j]
            products[at + j] = b * products[at + j] + value[i] * value[i + j]
            weights[at + j] = b * weights[at + j] + both
            counts[at + j] += both
        at += n - i
        for j in range(n):
            sums[i, j] = b * sums[i, j] + value[i] * there[j]
            squares[i, j] = b * squares[i, j] + value[i] * value[i] * there[j]
    return True


@kernel
def _variance(block: Floats, i: int, params: Floats) -> float:
    """Variance of an asset by its sums; NaN while it has too few rows."""
    n = int(params[ASSETS])
    triangle, start = n * (n + 1) // 2, HEAD + VECTORS * n
    at = start + i * n - i * (i - 1) // 2
    if block.size == start + triangle:
        weight, count, total = block[WEIGHT], block[COUNT], block[HEAD + MEAN * n + i]
    else:
        weight, count = block[at + triangle], block[at + 2 * triangle]
        total = block[start + 3 * triangle + i * n + i]
    if count < params[CORR] or weight < VANISHED:
        return np.nan
    mean = total / weight
    return float(block[at] / weight - mean * mean)


@kernel
def _pair(block: Floats, i: int, j: int, params: Floats) -> float:
    """Correlation of assets i < j over the rows that both have; NaN while those are too few, or one did not vary."""
    n = int(params[ASSETS])
    triangle, start = n * (n + 1) // 2, HEAD + VECTORS * n
    at = start + i * n - i * (i - 1) // 2 + j - i
    if block.size == start + triangle:
        weight, count = block[WEIGHT], block[COUNT]
        left, right = block[HEAD + MEAN * n + i], block[HEAD + MEAN * n + j]
        left_square, right_square = block[start + i * n - i * (i - 1) // 2], block[start + j * n - j * (j - 1) // 2]
    else:
        weight, count = block[at + triangle], block[at + 2 * triangle]
        sums, squares = start + 3 * triangle, start + 3 * triangle + n * n
        left, right = block[sums + i * n + j], block[sums + j * n + i]
        left_square, right_square = block[squares + i * n + j], block[squares + j * n + i]
    if count < params[CORR] or weight < VANISHED:
        return np.nan
    inverse = 1.0 / weight
    left, right = left * inverse, right * inverse
    left_square, right_square = left_square * inverse - left * left, right_square * inverse - right * right
    size = sqrt(max(left_square, 0.0) * max(right_square, 0.0))
    return (block[at] * inverse - left * right) / size if size > params[MIN_CORR_DENOM] else np.nan


@kernel
def _deviations(block: Floats, params: Floats, std: Floats) -> None:
    """Deviations of the adjusted returns of the assets, NaN for those without a correlation."""
    for i in range(int(params[ASSETS])):
        variance = _variance(block, i, params)
        std[i] = sqrt(variance) if variance > params[MIN_CORR_DENOM] else np.nan


@kernel
def _correlations(
    block: Floats, scratch: Floats, chosen: np.ndarray, m: int, std: Floats, params: Floats, A: Floats
) -> bool:
    """Step 5: the shrunk correlations of the chosen assets, upper triangle of A. False if a pair has none."""
    n = int(params[ASSETS])
    shrink, least = params[SHRINK], params[MIN_CORR_DENOM]
    triangle, start = n * (n + 1) // 2, HEAD + VECTORS * n
    smallest = np.inf
    for k in range(m):
        scale = std[chosen[k]]
        scratch[k] = 1.0 / scale
        smallest = min(smallest, scale)
    if block.size == start + triangle and m == n and smallest * smallest > least:
        share = 1.0 / block[WEIGHT]
        inverse, mean = scratch[:n], scratch[n : 2 * n]
        for i in range(n):
            mean[i] = share * block[HEAD + MEAN * n + i]
        at = start
        for i in range(n):
            left, scale = mean[i], inverse[i]
            row, right, out, other = block[at : at + n - i], mean[i:], A[i, i:n], inverse[i:]
            for j in range(n - i):
                rho = (row[j] * share - left * right[j]) * (scale * other[j])
                out[j] = shrink * min(max(rho, -1.0), 1.0)
            A[i, i] = shrink + (1.0 - shrink)
            at += n - i
        return True
    for i in range(m):
        for j in range(i + 1, m):
            rho = _pair(block, chosen[i], chosen[j], params)
            if not isfinite(rho):
                return False
            A[i, j] = shrink * min(max(rho, -1.0), 1.0)
        A[i, i] = shrink + (1.0 - shrink)
    return True


@summation
def _cholesky(A: Floats, m: int, x: Floats) -> bool:
    """Solve by A = U'D⁻¹U in place, stripes of rows at a time. Right side in column m of A, solution in x.

    False if a pivot is not positive. The diagonal keeps the inverse pivots; so no root is taken.
    """
    width = m + 1
    for top in range(0, m, STRIPE):
        stop = min(top + STRIPE, m)
        for k in range(top, stop):
            row = A[k, k:width]
            for above in range(top, k):
                factor, upper = A[above, k] * A[above, above], A[above, k:width]
                for j in range(row.size):
                    row[j] -= factor * upper[j]
            if not row[0] > 4.0 * EPS * m:
                return False
            row[0] = 1.0 / row[0]
        if stop - top < STRIPE:
            break
        d0, d1, d2, d3 = A[top, top], A[top + 1, top + 1], A[top + 2, top + 2], A[top + 3, top + 3]
        for i in range(stop, m):
            f0, f1, f2, f3 = A[top, i] * d0, A[top + 1, i] * d1, A[top + 2, i] * d2, A[top + 3, i] * d3
            row, r0, r1 = A[i, i:width], A[top, i:width], A[top + 1, i:width]
            r2, r3 = A[top + 2, i:width], A[top + 3, i:width]
            for j in range(row.size):
                row[j] -= f0 * r0[j] + f1 * r1[j] + f2 * r2[j] + f3 * r3[j]
    for k in range(m - 1, -1, -1):
        total = 0.0
        row, known = A[k, k + 1 : m], x[k + 1 : m]
        for j in range(row.size):
            total += row[j] * known[j]
        x[k] = (A[k, m] - total) * A[k, k]
    return True


@kernel
def _small_cholesky(A: Floats, m: int, x: Floats) -> bool:
    """The same for a few assets, where stripes and vectors cost more than they give."""
    for k in range(m):
        if not A[k, k] > 4.0 * EPS * m:
            return False
        inverse = 1.0 / A[k, k]
        A[k, k] = inverse
        for i in range(k + 1, m):
            factor = A[k, i] * inverse
            for j in range(i, m + 1):
                A[i, j] -= factor * A[k, j]
    for k in range(m - 1, -1, -1):
        total = A[k, m]
        for j in range(k + 1, m):
            total -= A[k, j] * x[j]
        x[k] = total * A[k, k]
    return True


@kernel
def _eliminate(A: Floats, m: int, x: Floats) -> bool:
    """Solve with row exchanges what has no Cholesky factor. False if singular to rounding."""
    for k in range(m):
        best = k
        for i in range(k + 1, m):
            if abs(A[i, k]) > abs(A[best, k]):
                best = i
        if not abs(A[best, k]) > 4.0 * EPS * m:
            return False
        if best != k:
            for j in range(k, m + 1):
                A[k, j], A[best, j] = A[best, j], A[k, j]
        for i in range(k + 1, m):
            factor = A[i, k] / A[k, k]
            for j in range(k + 1, m + 1):
                A[i, j] -= factor * A[k, j]
    for k in range(m - 1, -1, -1):
        total = A[k, m]
        for j in range(k + 1, m):
            total -= A[k, j] * x[j]
        x[k] = total / A[k, k]
    return True


@summation
def _tridiagonal(S: Floats, n: int, diagonal: Floats, beside: Floats, tau: Floats) -> None:
    """Householder reduction of symmetric S; the reflectors stay in its rows, right of the diagonal."""
    w = np.empty(n)
    for j in range(n - 1):
        diagonal[j] = S[j, j]
        left = n - j - 1
        v = S[j, j + 1 : n]
        norm = 0.0
        for i in range(left):
            norm += v[i] * v[i]
        norm = sqrt(norm)
        beside[j], tau[j] = norm, 0.0
        if norm == 0.0 or left == 1:
            beside[j] = v[0] if left == 1 else 0.0
            continue
        target = -norm if v[0] > 0.0 else norm
        beside[j] = target
        v[0] -= target
        length = 0.0
        for i in range(left):
            length += v[i] * v[i]
        tau[j] = 2.0 / length
        p = w[:left]
        for i in range(left):
            p[i] = 0.0
        for i in range(left):
            factor, row = tau[j] * v[i], S[j + 1 + i, j + 1 : n]
            for c in range(left):
                p[c] += factor * row[c]
        dot = 0.0
        for i in range(left):
            dot += p[i] * v[i]
        half = 0.5 * tau[j] * dot
        for i in range(left):
            p[i] -= half * v[i]
        for i in range(left):
            here, there, row = v[i], p[i], S[j + 1 + i, j + 1 : n]
            for c in range(left):
                row[c] -= here * p[c] + there * v[c]
    diagonal[n - 1] = S[n - 1, n - 1]


@kernel
def _largest(diagonal: Floats, beside: Floats, n: int, k: int, values: Floats) -> None:
    """The k largest eigenvalues of a tridiagonal matrix, by Sturm counts at LANES points at a time.

    With fewer eigenvalues than lanes each bracket is cut at several points at once.
    """
    high, squares = 0.0, np.empty(n)
    for i in range(n):
        before, after = abs(beside[i - 1]) if i > 0 else 0.0, abs(beside[i]) if i < n - 1 else 0.0
        high = max(high, abs(diagonal[i]) + before + after)
        squares[i] = before * before + 1e-300  # never 0 / 0
    at, q, below = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for first in range(0, k, LANES):
        wanted = min(LANES, k - first)
        cuts = LANES // wanted
        rounds = int(58.0 * log(2.0) / log(cuts + 1.0)) + 1
        lower, upper = np.full(LANES, -high), np.full(LANES, high * (1.0 + 4.0 * EPS))
        for _ in range(rounds):
            for lane in range(LANES):
                f = min(lane // cuts, wanted - 1)
                at[lane] = lower[f] + (upper[f] - lower[f]) * ((lane % cuts + 1) / (cuts + 1.0))
                q[lane] = diagonal[0] - at[lane]
                below[lane] = 1.0 if q[lane] < 0.0 else 0.0
            for i in range(1, n):
                d, e = diagonal[i], squares[i]
                for lane in range(LANES):
                    q[lane] = d - at[lane] - e / q[lane]
                    below[lane] += 1.0 if q[lane] < 0.0 else 0.0
            for lane in range(wanted * cuts):
                f = lane // cuts
                if below[lane] > n - 1 - first - f:
                    upper[f] = min(upper[f], at[lane])
                else:
                    lower[f] = max(lower[f], at[lane])
        for f in range(wanted):
            values[first + f] = 0.5 * (lower[f] + upper[f])


@kernel
def _shifted_solve(
    diagonal: Floats, beside: Floats, n: int, shift: float, tiny: float, z: Floats, work: Floats
) -> None:
    """z ← (T − shift)⁻¹ z, with row exchanges; pivots of zero become tiny."""
    pivot, right, second = work[0], work[1], work[2]
    for i in range(n):
        pivot[i] = diagonal[i] - shift
        right[i] = beside[i] if i < n - 1 else 0.0
        second[i] = 0.0
    for i in range(n - 1):
        under = beside[i]
        if abs(pivot[i]) >= abs(under):
            if abs(pivot[i]) < tiny:
                pivot[i] = tiny
            factor = under / pivot[i]
            pivot[i + 1] -= factor * right[i]
            z[i + 1] -= factor * z[i]
        else:
            factor = pivot[i] / under
            keep, keep_right = pivot[i + 1], right[i + 1]
            pivot[i], pivot[i + 1] = under, right[i] - factor * keep
            right[i], second[i] = keep, keep_right
            right[i + 1] = -factor * keep_right
            z[i], z[i + 1] = z[i + 1], z[i] - factor * z[i + 1]
    if abs(pivot[n - 1]) < tiny:
        pivot[n - 1] = tiny
    z[n - 1] /= pivot[n - 1]
    if n > 1:
        z[n - 2] = (z[n - 2] - right[n - 2] * z[n - 1]) / pivot[n - 2]
    for i in range(n - 3, -1, -1):
        z[i] = (z[i] - right[i] * z[i + 1] - second[i] * z[i + 2]) / pivot[i]


@kernel
def _leading(S: Floats, n: int, k: int, values: Floats, vectors: Floats) -> None:
    """The k largest eigenvalues of S ≥ 0 and their vectors (k, n). S is overwritten."""
    if n == 1:
        values[0], vectors[0, 0] = S[0, 0], 1.0
        return
    if n == 2 and k == 1:
        a, b, c = S[0, 0], S[0, 1], S[1, 1]
        half = 0.5 * (a - c)
        span = sqrt(half * half + b * b)
        values[0] = 0.5 * (a + c) + span
        x, y = (half + span, b) if half >= 0.0 else (b, span - half)
        norm = sqrt(x * x + y * y)
        vectors[0, 0], vectors[0, 1] = (x / norm, y / norm) if norm > 0.0 else (1.0, 0.0)
        return
    diagonal, beside, tau, work = np.empty(n), np.zeros(n), np.zeros(n), np.empty((3, n))
    _tridiagonal(S, n, diagonal, beside, tau)
    _largest(diagonal, beside, n, k, values)
    size = max(abs(values[0]), 1e-300)
    for f in range(k):
        z = vectors[f]
        for i in range(n):
            z[i] = 0.5 + ((i * 7919 + f * 104729) % 1000) / 1000.0
        shift = values[f]
        if f > 0 and values[f - 1] - shift < 10.0 * EPS * size:
            shift -= 10.0 * EPS * size * f  # equal eigenvalues still need vectors of their own
        for _ in range(3):
            _shifted_solve(diagonal, beside, n, shift, EPS * size, z, work)
            _normalise(z, vectors, f, n)
    for f in range(k):
        z = vectors[f]
        for j in range(n - 2, -1, -1):
            if tau[j] != 0.0:
                part, v = z[j + 1 : n], S[j, j + 1 : n]
                _subtract(part, tau[j] * _dot(part, v), v)


@kernel
def _normalise(z: Floats, vectors: Floats, f: int, n: int) -> None:
    """Take the first f vectors out of z and give it length 1."""
    top = 0.0
    for i in range(n):
        top = max(top, abs(z[i]))
    for i in range(n):
        z[i] /= top  # else its square might overflow
    for other in range(f):
        _subtract(z, _dot(z, vectors[other]), vectors[other])
    length = 1.0 / sqrt(_dot(z, z))
    for i in range(n):
        z[i] *= length


@summation
def _dot(x: Floats, y: Floats) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@kernel
def _subtract(x: Floats, factor: float, y: Floats) -> None:
    for i in range(x.size):
        x[i] -= factor * y[i]


@kernel
def _slide(block: Floats, params: Floats) -> None:
    """Put the adjusted returns into the window, missing ones as 0, and bring its Gram matrix up to date."""
    n, window = int(params[ASSETS]), int(params[WINDOW])
    start = HEAD + VECTORS * n
    ring = block[start : start + window * n].reshape(window, n)
    side = min(n, window)
    gram = block[start + window * n :].reshape(side, side)
    slot = int(block[SLOT])
    block[SLOT] = slot + 1 if slot + 1 < window else 0
    row = ring[slot]
    adjusted = block[HEAD + ADJUSTED * n : HEAD + (ADJUSTED + 1) * n]
    if n <= window:
        for i in range(n):
            new = adjusted[i] if isfinite(adjusted[i]) else 0.0
            fresh, old = new, row[i]
            line = gram[i]
            for j in range(n):
                other = adjusted[j] if isfinite(adjusted[j]) else 0.0
                line[j] += fresh * other - old * row[j]
        for i in range(n):
            row[i] = adjusted[i] if isfinite(adjusted[i]) else 0.0
        if block[SLOT] == 0.0:  # what rounding left behind goes once a window
            for i in range(n):
                for j in range(n):
                    gram[i, j] = 0.0
            for t in range(window):
                for i in range(n):
                    _subtract(gram[i], -ring[t, i], ring[t])
        return
    for i in range(n):
        row[i] = adjusted[i] if isfinite(adjusted[i]) else 0.0
    for t in range(window):
        total = _dot(ring[t], row)
        gram[slot, t] = gram[t, slot] = total


@kernel
def _loadings(block: Floats, chosen: np.ndarray, m: int, k: int, params: Floats, loadings: Floats) -> None:
    """B·√F of the window over the chosen assets, (k, m)."""
    n, window = int(params[ASSETS]), int(params[WINDOW])
    start = HEAD + VECTORS * n
    ring = block[start : start + window * n].reshape(window, n)
    side = min(n, window)
    gram = block[start + window * n :].reshape(side, side)
    values = np.empty(k)
    if n <= window:
        S = np.empty((m, m))
        for i in range(m):
            for j in range(m):
                S[i, j] = gram[chosen[i], chosen[j]]
        _leading(S, m, k, values, loadings)
        for f in range(k):
            scale = sqrt(max(values[f], 0.0) / window)
            for i in range(m):
                loadings[f, i] *= scale
        return
    S = gram.copy()
    at = 0
    for asset in range(n):
        if at < m and chosen[at] == asset:
            at += 1
            continue
        for t in range(window):
            for other in range(window):
                S[t, other] -= ring[t, asset] * ring[other, asset]
    vectors = np.empty((k, window))
    _leading(S, window, k, values, vectors)
    for f in range(k):
        out = loadings[f]
        for i in range(m):
            out[i] = 0.0
        for t in range(window):
            share, row = vectors[f, t] / sqrt(float(window)), ring[t]
            if m == n:
                for i in range(m):
                    out[i] += share * row[i]
            else:
                for i in range(m):
                    out[i] += share * row[chosen[i]]


@kernel
def _factors(block: Floats, chosen: np.ndarray, m: int, params: Floats, residual: Floats, A: Floats) -> Floats:
    """Loadings (k, m) and residuals of the window; k = m: no loadings, the products are in A instead."""
    n, window = int(params[ASSETS]), int(params[WINDOW])
    k = min(min(int(params[FACTORS]), window), m)
    whole = k == m and n <= window  # every factor: no need to take the matrix apart
    loadings = np.empty((0 if whole else k, m))
    if whole:
        gram = block[HEAD + VECTORS * n + window * n :].reshape(n, n)
        for i in range(m):
            for j in range(i, m):
                A[i, j] = gram[chosen[i], chosen[j]] / window
            residual[i] = max(1.0 - A[i, i], EPS)
        return loadings
    _loadings(block, chosen, m, k, params, loadings)
    for i in range(m):
        rest = 1.0
        for f in range(k):
            rest -= loadings[f, i] * loadings[f, i]
        residual[i] = max(rest, EPS)
    return loadings


@kernel
def _dense(loadings: Floats, residual: Floats, m: int, A: Floats) -> None:
    """Upper triangle of loadings' · loadings + residual."""
    for i in range(m):
        row = A[i, i:m]
        if loadings.shape[0] > 0:
            for j in range(m - i):
                row[j] = 0.0
        for f in range(loadings.shape[0]):
            _subtract(row, -loadings[f, i], loadings[f, i:m])
        A[i, i] += residual[i]


@kernel
def _woodbury(loadings: Floats, residual: Floats, signal: Floats, m: int, x: Floats) -> None:
    """Solve (L'L + D) x = signal by the k × k system I + L D⁻¹ L'."""
    k = loadings.shape[0]
    inner, y = np.empty((k, k + 1)), np.empty(k)
    inverse, weighted = np.empty(m), np.empty(m)
    for i in range(m):
        inverse[i] = 1.0 / residual[i]
    for f in range(k):
        for i in range(m):
            weighted[i] = loadings[f, i] * inverse[i]
        for g in range(f, k):
            inner[f, g] = _dot(weighted, loadings[g])
        inner[f, f] += 1.0
        inner[f, k] = _dot(weighted, signal)
    _small_cholesky(inner, k, y)
    for i in range(m):
        total = signal[i]
        for f in range(k):
            total -= y[f] * loadings[f, i]
        x[i] = total * inverse[i]


@kernel
def _matrix(block: Floats, chosen: np.ndarray, m: int, std: Floats, params: Floats, scratch: Floats, A: Floats) -> bool:
    """Upper triangle of the matrix that is solved. False if a pair of assets has none. scratch: room for 2·m."""
    if params[WINDOW] == 0.0:
        return _correlations(block, scratch, chosen, m, std, params, A)
    _dense(_factors(block, chosen, m, params, scratch, A), scratch, m, A)
    return True


@kernel
def _solve(block: Floats, chosen: np.ndarray, m: int, std: Floats, params: Floats, A: Floats, x: Floats) -> int:
    """Step 6 as far as x = A⁻¹μ; A is room for m rows of m + 1, x for 2·m values."""
    if params[WINDOW] > 0.0:
        residual = np.empty(m)
        loadings = _factors(block, chosen, m, params, residual, A)
        smallest = np.inf
        for i in range(m):
            smallest = min(smallest, residual[i])
        if loadings.shape[0] > 0 and smallest >= SMALLEST_RESIDUAL:
            _signals(block, chosen, m, params, A)
            _woodbury(loadings, residual, A[:, m].copy(), m, x)
            return VALID
        _dense(loadings, residual, m, A)
    elif not _matrix(block, chosen, m, std, params, x, A):
        return FEW_PAIRS
    _signals(block, chosen, m, params, A)
    if _small_cholesky(A, m, x) if m <= SMALL else _cholesky(A, m, x):
        return VALID
    _matrix(block, chosen, m, std, params, x, A)
    _signals(block, chosen, m, params, A)
    for i in range(m):
        for j in range(i):
            A[i, j] = A[j, i]
    return VALID if _eliminate(A, m, x) else SINGULAR


@kernel
def _signals(block: Floats, chosen: np.ndarray, m: int, params: Floats, A: Floats) -> None:
    """Put the signals of the chosen assets into the last column of A, missing ones as 0."""
    at = HEAD + SIGNAL * int(params[ASSETS])
    for k in range(m):
        mu = block[at + chosen[k]]
        A[k, m] = 0.0 if np.isnan(mu) else mu


@kernel
def _choose(block: Floats, params: Floats, std: Floats, chosen: np.ndarray) -> tuple[int, int]:
    """The order of the statuses as far as the assets that take part: VALID or why there are none, and how many."""
    n = int(params[ASSETS])
    v = block[HEAD:]
    if params[WINDOW] == 0.0:
        _deviations(block, params, std)
        if block[ROWS] <= params[CORR]:
            return WARMUP, 0
    elif block[ROWS] < params[WINDOW]:
        return WARMUP, 0
    m, priced, signalled = 0, 0, 0
    for i in range(n):
        if isfinite(v[PRICE * n + i]):
            priced += 1
            if abs(v[SIGNAL * n + i]) > ZERO:
                signalled += 1
            if params[WINDOW] > 0.0 or isfinite(std[i]):
                chosen[m] = i
                m += 1
    if priced == 0:
        return NO_PRICE, m
    if signalled == 0:
        return ZERO_SIGNAL, m
    return (NO_ASSET if m == 0 else VALID), m


@kernel
def _scale(block: Floats, chosen: np.ndarray, m: int, x: Floats, params: Floats) -> int:
    """Step 6 from x on: cash positions go into the block; the status."""
    n = int(params[ASSETS])
    v = block[HEAD:]
    square = 0.0
    for k in range(m):
        mu = v[SIGNAL * n + chosen[k]]
        square += 0.0 if np.isnan(mu) else mu * x[k]
    norm = sqrt(square) if square > 0.0 else np.nan
    if not isfinite(norm) or norm <= params[DENOM_TOL]:
        return NO_NORM
    outcome = VALID if m == n else PARTIAL
    scale = 1.0 / norm
    for k in range(m):
        cash = x[k] * scale / v[VOLATILITY * n + chosen[k]]
        if np.isinf(cash):
            return INFINITE
        if np.isnan(cash):
            outcome = PARTIAL
        v[CASH * n + chosen[k]] = cash
    return outcome


@kernel
def _turn(block: Floats, outcome: int, params: Floats) -> int:
    """Step 7: move from the positions held towards the new ones, as far as the cap allows; then the risk positions."""
    n = int(params[ASSETS])
    v = block[HEAD:]
    solved = outcome <= PARTIAL
    total = 0.0
    if isfinite(params[MAX_TURNOVER]):
        for i in range(n):
            if isfinite(v[PRICE * n + i]):
                cash = v[CASH * n + i]
                total += abs((0.0 if np.isnan(cash) else cash) - v[HELD * n + i])
    capped = total > params[MAX_TURNOVER]
    missing = False
    for i in range(n):
        cash, held = v[CASH * n + i], 0.0
        if isfinite(v[PRICE * n + i]):
            held = 0.0 if np.isnan(cash) else cash
            if capped:
                before = v[HELD * n + i]
                held = before + (held - before) * (params[MAX_TURNOVER] / total)
                cash = held
        v[HELD * n + i] = held
        v[CASH * n + i] = cash if solved else np.nan
        v[RISK * n + i] = cash * v[VOLATILITY * n + i] if solved else np.nan
        missing = missing or np.isnan(cash)
    return (PARTIAL if missing else VALID) if solved else outcome


@kernel
def step(before: Floats, after: Floats, params: Floats) -> int:
    """One row: ``after`` comes with its prices and signals, and leaves as the next block.

    The parts are called from here and not by each other: a compiled function is optimised once more in each that calls
    it, directly or not.
    """
    n = int(params[ASSETS])
    for i in range(HEAD):
        after[i] = before[i]
    for i in range(HEAD + 2 * n, before.size):
        after[i] = before[i]
    present = _returns(after, before, params)
    if present < 0:
        return present
    after[ROWS] += 1.0
    if params[WINDOW] > 0.0:
        _slide(after, params)
    elif not _remember(after, present, params):
        return GROW
    for i in range(n):
        after[HEAD + CASH * n + i] = np.nan
    std, chosen = np.empty(n), np.empty(n, np.int64)
    outcome, m = _choose(after, params, std, chosen)
    if outcome == VALID:
        x = np.empty(2 * m)
        outcome = _solve(after, chosen, m, std, params, np.empty((m, m + 1)), x)
        if outcome == VALID:
            outcome = _scale(after, chosen, m, x, params)
    if outcome > PARTIAL:
        for i in range(n):
            after[HEAD + CASH * n + i] = np.nan
    return _turn(after, outcome, params)


@kernel
def walk(
    prices: Floats, signals: Floats, first: int, two: Floats, params: Floats, out: Floats, outcomes: np.ndarray
) -> int:
    """Rows from ``first`` on. two: the block, before and after. Returns the row that was not done, or T.

    out is (4, T, N): cash, risk, volatility, held. On return two[row % 2] is the block after the rows that were done.
    """
    n = int(params[ASSETS])
    for t in range(first, prices.shape[0]):
        before, after = two[t % 2], two[(t + 1) % 2]
        for i in range(n):
            after[HEAD + i], after[HEAD + n + i] = prices[t, i], signals[t, i]
        outcome = step(before, after, params)
        outcomes[t] = outcome
        if outcome < 0:
            return t
        for i in range(n):
            for field in range(3):
                out[field, t, i] = after[HEAD + (CASH + field) * n + i]
            out[3, t, i] = after[HEAD + HELD * n + i]
    return len(prices)


@kernel
def matrix(block: Floats, params: Floats, out: Floats) -> bool:
    """The matrix solved for the last row, (N, N); NaN in the rows and columns of assets that took no part."""
    n = int(params[ASSETS])
    v = block[HEAD:]
    std, chosen, m = np.empty(n), np.empty(n, np.int64), 0
    for i in range(n):
        for j in range(n):
            out[i, j] = np.nan
    if params[WINDOW] == 0.0:
        _deviations(block, params, std)
    elif block[ROWS] < params[WINDOW]:
        return False
    for i in range(n):
        if isfinite(v[PRICE * n + i]) and (params[WINDOW] > 0.0 or isfinite(std[i])):
            chosen[m] = i
            m += 1
    A = np.empty((m, m + 1))
    if m == 0 or not _matrix(block, chosen, m, std, params, np.empty(2 * m), A):
        return False
    for i in range(m):
        for j in range(i, m):
            out[chosen[i], chosen[j]] = out[chosen[j], chosen[i]] = A[i, j]
    return True
