// Candles of a leg: Plotly draws those that have settled, and the newest are painted like the newest of a line. The one
// that is still forming is dashed and pale.

export const OHLC = ["open", "high", "low", "close"];

const FORMING_DASH = [3, 2];
const FORMING_ALPHA = 0.6;
const LEAST_PX = 1;

export const isCandles = (trace) => trace.meta?.candles !== undefined;

/** The numbers of the first rows, as Plotly wants them. */
export function fillCandles(trace, rows, count) {
  trace.x = rows.columns[trace.meta.x].slice(0, count);
  for (const name of OHLC) trace[name] = rows.columns[name].slice(0, count);
  return trace;
}

/** The columns that an axis has to leave room for. */
export const reachOf = (rows) => [rows.columns.high, rows.columns.low];

/**
 * Draw the rows from index `from` on.
 * @returns {boolean} whether all fits into the axes.
 */
export function drawCandles(context, trace, { x, y }, rows, from, slack) {
  const { ms, forming } = rows.columns;
  const [open, high, low, close] = OHLC.map((name) => rows.columns[name]);
  const half = Math.max(0.35 * pixelsBetween(ms, x), LEAST_PX);
  let fits = true;
  for (let row = from; row < ms.length; row += 1) {
    if (close[row] === null || open[row] === null) continue;
    const at = x.l2p(ms[row]);
    const [top, bottom, start, end] = [high, low, open, close].map((values) => y.d2p(values[row]));
    if (x.autorange && at > x._length + slack) fits = false;
    if (y.autorange && (top < -slack || bottom > y._length + slack)) fits = false;
    const look = close[row] >= open[row] ? trace.increasing : trace.decreasing;
    const [left, middle] = [x._offset + at - half, x._offset + at];
    context.strokeStyle = look.line.color;
    context.lineWidth = look.line.width;
    context.fillStyle = look.fillcolor;
    context.setLineDash(forming[row] === null ? [] : FORMING_DASH);
    context.globalAlpha = forming[row] === null ? 1 : FORMING_ALPHA;
    const [upper, lower] = [Math.min(start, end), Math.max(start, end)];
    context.beginPath();
    context.moveTo(middle, y._offset + top);
    context.lineTo(middle, y._offset + upper);
    context.moveTo(middle, y._offset + lower);
    context.lineTo(middle, y._offset + bottom);
    context.rect(left, y._offset + upper, 2 * half, Math.max(lower - upper, LEAST_PX));
    context.fill();
    context.stroke();
  }
  return fits;
}

/** Pixels from one bar to the next, by the two nearest that are shown. */
function pixelsBetween(ms, x) {
  let least = Infinity;
  for (let row = 1; row < ms.length; row += 1) least = Math.min(least, ms[row] - ms[row - 1]);
  return Number.isFinite(least) ? Math.abs(x.l2p(ms[0] + least) - x.l2p(ms[0])) : 10;
}
