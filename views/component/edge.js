// The newest rows, drawn over Plotly's axes. Plotly takes some eighty milliseconds for the whole figure, so it draws
// what has settled, now and then; what changes several times a second is a few short lines on a canvas.

import { drawCandles, isCandles } from "./candles.js";

const AT_EDGE_PX = 1;

export class Edge {
  /** @param {HTMLElement} node of the Plotly figure; the canvas lies over it. */
  constructor(node) {
    this.node = node;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "lf-edge";
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.style.cssText = "position: absolute; left: 0; top: 0; pointer-events: none";
    node.after(this.canvas);
  }

  /**
   * Draw the rows from number `begin` on.
   * @returns {boolean} whether everything fits into the axes; if not, Plotly has to move them.
   */
  draw(rows, begin) {
    const context = this.clear();
    const { _fullLayout: layout, _fullData: traces } = this.node;
    const from = Math.max(0, begin - 1 - rows.first); // one settled row to continue from
    let fits = true;
    let before = null;
    for (const trace of traces) {
      if (trace.visible !== true) continue;
      if (isCandles(trace)) {
        const [x, y] = [layout[axisName(trace.xaxis)], layout[axisName(trace.yaxis)]];
        context.save();
        clip(context, { x, y });
        fits &&= drawCandles(context, trace, { x, y }, rows, Math.max(0, begin - rows.first), AT_EDGE_PX);
        context.restore();
      }
      if (trace.mode !== "lines") continue;
      const line = project(trace, layout, rows, from);
      fits &&= line.fits;
      context.save();
      clip(context, line);
      if (trace.fill === "tonexty" && before) fillBetween(context, trace, before.points, line.points);
      else if (trace.fill === "tozeroy") fillToZero(context, trace, line);
      stroke(context, trace, line.points);
      context.restore();
      before = line;
    }
    this.tags(context, layout, traces, rows);
    return fits;
  }

  /** The newest value of a line, in the margin beside its axis. */
  tags(context, layout, traces, rows) {
    const shown = new Set(traces.filter((trace) => trace.visible === true).map((trace) => trace.meta.y));
    const { annotations, meta } = this.node.layout;
    for (const tag of annotations) {
      const column = tag.name?.startsWith("last:") ? tag.name.slice(5) : null;
      const value = column && shown.has(column) ? rows.last(column) : null;
      if (value === null) continue;
      const axis = layout[axisName(tag.yref)];
      const y = axis._offset + axis.d2p(value);
      if (y < axis._offset - AT_EDGE_PX || y > axis._offset + axis._length + AT_EDGE_PX) continue;
      drawTag(context, tag, layout, y, asText(value, meta.decimals[column], meta.floors?.[column]));
    }
  }

  clear() {
    const { clientWidth: width, clientHeight: height } = this.node;
    const scale = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
      Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  remove() {
    this.canvas.remove();
  }
}

/** "y4" -> "yaxis4" */
export const axisName = (id) => `${id[0]}axis${id.slice(1)}`;

/** A number; below its floor, as a p-value has one, only that it is smaller. */
export function asText(value, decimals, floor = -Infinity) {
  if (value < floor) return `< ${floor}`;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A trace's rows from index `from` on, in pixels of the figure. Undefined values end a piece. */
function project(trace, layout, rows, from) {
  const x = layout[axisName(trace.xaxis)];
  const y = layout[axisName(trace.yaxis)];
  const { ms } = rows.columns;
  const values = rows.columns[trace.meta.y];
  const steps = trace.line.shape === "vh";
  const points = [];
  let fits = true;
  for (let row = from; row < values.length; row += 1) {
    if (values[row] === null) {
      points.push(null);
      continue;
    }
    const px = x.l2p(ms[row]);
    const py = y.d2p(values[row]);
    if (x.autorange && px > x._length + AT_EDGE_PX) fits = false;
    if (y.autorange && (py < -AT_EDGE_PX || py > y._length + AT_EDGE_PX)) fits = false;
    const last = points.at(-1);
    if (steps && last) points.push([last[0], y._offset + py]);
    points.push([x._offset + px, y._offset + py]);
  }
  return { points, fits, x, y };
}

function clip(context, { x, y }) {
  context.beginPath();
  context.rect(x._offset, y._offset, x._length, y._length);
  context.clip();
}

function stroke(context, trace, points) {
  const { color, width, dash } = trace.line;
  if (!width) return;
  context.beginPath();
  let pen = false;
  for (const point of points) {
    if (point) context[pen ? "lineTo" : "moveTo"](...point);
    pen = point !== null;
  }
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dashes(dash, width));
  context.stroke();
}

/** Plotly's names of dashes, in its own lengths. */
function dashes(dash, width) {
  const unit = Math.max(width, 3);
  if (!dash || dash === "solid") return [];
  if (dash === "dot") return [unit, unit];
  if (dash === "dash") return [3 * unit, 3 * unit];
  return dash.match(/[\d.]+/g).map(Number);
}

function fillToZero(context, trace, { points, y }) {
  const known = points.filter(Boolean);
  if (known.length < 2) return;
  const zero = y._offset + y.d2p(0);
  fill(context, trace, [...known, [known.at(-1)[0], zero], [known[0][0], zero]]);
}

function fillBetween(context, trace, upper, lower) {
  const both = [...upper.filter(Boolean), ...lower.filter(Boolean).reverse()];
  if (both.length > 3) fill(context, trace, both);
}

function fill(context, trace, outline) {
  context.beginPath();
  outline.forEach((point, index) => context[index ? "lineTo" : "moveTo"](...point));
  context.closePath();
  context.fillStyle = trace.fillcolor;
  context.fill();
}

function drawTag(context, tag, layout, y, text) {
  const { _size: size, font } = layout;
  const right = tag.x >= 0.5;
  const pad = 2;
  context.font = `${tag.font.size}px ${font.family}`;
  const width = context.measureText(text).width + 2 * pad;
  const height = tag.font.size + 2 * pad;
  const left = right ? size.l + size.w + pad : size.l - width - pad;
  context.fillStyle = tag.bgcolor;
  context.fillRect(left, y - height / 2, width, height);
  context.strokeStyle = tag.bordercolor;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, Math.round(y - height / 2) + 0.5, width - 1, height - 1);
  context.fillStyle = tag.font.color ?? font.color;
  context.textBaseline = "middle";
  context.fillText(text, left + pad, y + 0.5);
}
