// One Plotly figure: made once, then updated in place. Plotly draws the rows that have settled, at most one drawing at
// a time; the newest rows are painted over its axes with every message (edge.js).

import { fillCandles, isCandles, OHLC, reachOf } from "./candles.js";
import { asText, axisName, Edge } from "./edge.js";
import { ReturnButton } from "./return_button.js";
import { utc } from "./rows.js";

const NARROW_PX = 560;
const ROOM_AHEAD = 0.015; // of the time shown
const SHORT_REST_MS = 150; // between drawings that cannot wait
const MOST_OPEN = 3; // rows that are left to the edge
const LONG_REST_MS = 2000; // between drawings that only take over settled rows
const CONFIG = {
  displaylogo: false,
  doubleClick: "autosize",
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "autoScale2d"]],
};

let plotly = null;

/** Plotly.js, once a page. */
export function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error(`Plotly.js could not be loaded from ${url}. Reload the page.`));
    document.head.append(script);
  });
  return plotly;
}

/** The text with its colours exchanged for those of the dark page. */
function recolour(value, colours) {
  if (typeof value === "string") return colours[value] ?? value;
  if (Array.isArray(value)) return value.map((item) => recolour(item, colours));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recolour(item, colours)]));
}

function isDark(rgb) {
  const [red, green, blue] = rgb.match(/[\d.]+/g).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}

const isAxis = (name) => /^[xy]axis\d*$/.test(name);

export class Figure {
  /**
   * @param {HTMLElement} node where the chart goes; it is never replaced.
   * @param {object} Plotly
   * @param {{drawn: () => void, painted: () => void}} told after Plotly drew, and after rows were painted either way.
   */
  constructor(node, Plotly, told) {
    this.node = node;
    this.Plotly = Plotly;
    this.told = told;
    this.edge = new Edge(node);
    this.returning = new ReturnButton(node.parentElement, node, Plotly, () => this.repaint());
    this.drawn = 0;
    this.drawnAt = 0;
    this.settled = 0; // number of the first row that Plotly has not drawn
    this.touched = Infinity; // the first row that changed since Plotly drew
    this.marked = 0; // number of the first row whose marks Plotly has not drawn
    this.template = null;
    this.rows = null;
    this.stale = { look: false, rows: false, figure: false };
    this.frame = null;
    this.timer = null;
    this.busy = false;
    this.held = false;
    this.listen();
    node.picture = (width) => this.picture(width);
  }

  listen() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const on = (target, event, handler) => target.addEventListener(event, handler, { signal });
    on(document, "visibilitychange", () => this.schedule());
    // While a zoom box is drawn the axes stand still: what is chosen is what was seen.
    on(this.node, "pointerdown", () => (this.held = true));
    for (const event of ["pointerup", "pointercancel", "blur"]) on(window, event, () => this.release());
    this.resize = new ResizeObserver(() => this.restyle());
    this.resize.observe(this.node);
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.repaint();
  }

  /** Show other rows, and if layout or traces are others than before, those. */
  show(template, rows) {
    const text = JSON.stringify(template);
    if (text !== this.templateText) {
      this.templateText = text;
      this.template = template;
      this.stale.look = true;
    }
    this.rows = rows;
    this.stale.figure = true;
    this.changed();
  }

  /** The rows have changed, from `rows.changedFrom` on. */
  changed() {
    this.touched = Math.min(this.touched, this.rows.changedFrom);
    this.repaint();
  }

  repaint() {
    this.stale.rows = true;
    this.schedule();
  }

  /** Colours or size may have changed: draw anew if they have. */
  restyle() {
    const look = JSON.stringify(this.look());
    if (look === this.lookText) return;
    this.lookText = look;
    this.stale.look = true;
    this.schedule();
  }

  look() {
    const style = getComputedStyle(this.node);
    return {
      width: Math.floor(this.node.clientWidth),
      text: style.color,
      background: style.backgroundColor,
      border: style.borderTopColor,
      family: style.fontFamily,
    };
  }

  schedule() {
    const wanted = this.rows && (this.stale.look || this.stale.rows || this.stale.figure);
    if (!wanted || this.frame || this.busy || document.hidden || this.stop.signal.aborted) return;
    this.frame = requestAnimationFrame(() => this.paint());
  }

  /** The newest rows at once; the whole figure after this frame, when it is due. */
  paint() {
    this.frame = null;
    this.stale.rows = false;
    const fits = this.paintEdge();
    const due = this.stale.look || this.stale.figure || !fits || this.touched < this.settled || this.isSignalled();
    if (this.held || this.busy) return;
    const rest = this.drawnAt + (due ? SHORT_REST_MS : LONG_REST_MS) - performance.now();
    clearTimeout(this.timer);
    if (this.drawn === 0 || due || this.rows.end > this.settled + 1) {
      this.timer = setTimeout(() => this.draw(), this.drawn ? Math.max(rest, 0) : 0);
    }
  }

  paintEdge() {
    if (!this.drawn || this.stale.figure) return true;
    const fits = this.edge.draw(this.rows, this.settled);
    this.told.painted();
    return fits;
  }

  /** Whether a mark has come since Plotly drew: only Plotly draws marks. */
  isSignalled() {
    const from = Math.max(0, this.marked - this.rows.first);
    const marks = this.template.data.filter((trace) => trace.mode === "markers");
    return marks.some((trace) => this.rows.columns[trace.meta.y].slice(from, -1).some((value) => value !== null));
  }

  async draw() {
    this.timer = null;
    if (this.busy || this.held || document.hidden || this.stop.signal.aborted) return;
    this.busy = true;
    const look = this.stale.look || !this.drawn;
    this.stale.look = this.stale.figure = false;
    // A row that changed may change again; but a message that told many rows anew only caught up.
    this.settled = Math.max(this.rows.changedFrom, this.rows.end - MOST_OPEN);
    this.touched = Infinity;
    this.marked = this.rows.end - 1;
    try {
      if (look) await this.drawAll();
      else await this.drawRows();
      if (this.stop.signal.aborted) return;
      this.drawn += 1;
      this.drawnAt = performance.now();
      this.returning.look(this.template.layout);
      this.told.drawn();
      this.paintEdge();
    } finally {
      this.busy = false;
    }
    this.schedule();
  }

  /** Everything; layout.uirevision keeps zoom and hidden traces as the person left them. */
  async drawAll() {
    const look = this.look();
    if (look.width === 0) {
      this.stale.look = true; // not laid out yet: the observer calls again
      return;
    }
    this.lookText = JSON.stringify(look);
    const { data, layout } = this.compose(look);
    data.forEach((trace) => this.fill(trace));
    for (const [path, value] of Object.entries({ ...this.tags(), ...this.room(data, layout) })) {
      setPath(layout, path, value);
    }
    await this.Plotly.react(this.node, data, layout, CONFIG);
    this.follow();
  }

  async drawRows() {
    const traces = this.node.data.map((trace) => this.fill({ meta: trace.meta, mode: trace.mode }));
    const numbers = {};
    // Of a number that a trace does not have, undefined: Plotly leaves that alone.
    for (const name of ["x", "y", ...(traces.some(isCandles) ? OHLC : [])]) numbers[name] = traces.map((trace) => trace[name]);
    const layout = { ...this.tags(), ...this.room(this.node.data, this.node.layout) };
    await this.Plotly.update(this.node, numbers, layout);
  }

  /** Zoom, pan and legend clicks move what lies under the newest rows. */
  follow() {
    if (this.following) return;
    this.following = true;
    for (const event of ["plotly_relayout", "plotly_relayouting", "plotly_restyle", "plotly_afterplot"]) {
      this.node.on(event, () => this.busy || this.repaint());
    }
    this.node.on("plotly_relayout", () => this.returning.look(this.template.layout));
  }

  /** The rows that have settled, and the marks of all that are closed, as Plotly wants them. */
  fill(trace) {
    const isMark = trace.mode === "markers";
    const count = Math.max(0, (isMark ? this.marked : this.settled) - this.rows.first);
    if (isCandles(trace)) return fillCandles(trace, this.rows, count);
    const x = this.rows.columns[trace.meta.x].slice(0, count);
    const y = this.rows.columns[trace.meta.y].slice(0, count);
    // A column of marks is nearly all null, and Plotly looks at every one: a sixth of a drawing's time.
    const marked = isMark ? [...y.keys()].filter((row) => y[row] !== null) : null;
    trace.x = marked ? marked.map((row) => x[row]) : x;
    trace.y = marked ? marked.map((row) => y[row]) : y;
    return trace;
  }

  /** What the axes have to leave room for: the rows still to be painted, and some that will come. */
  room(data, layout) {
    const { ms } = this.rows.columns;
    const paths = {};
    if (ms.length > 1) {
      const bar = ms.at(-1) - ms.at(-2);
      const ahead = Math.max(2 * bar, ROOM_AHEAD * (ms.at(-1) - ms[0]));
      paths["xaxis.autorangeoptions.include"] = utc(ms.at(-1) + ahead);
    }
    const from = Math.max(0, this.settled - this.rows.first);
    const reach = {};
    for (const trace of data) {
      if ((trace.mode !== "lines" && !isCandles(trace)) || trace.visible === "legendonly") continue;
      const columns = isCandles(trace) ? reachOf(this.rows) : [this.rows.columns[trace.meta.y]];
      const values = columns.flatMap((column) => column.slice(from)).filter((value) => value !== null);
      reach[trace.yaxis] = [...(reach[trace.yaxis] ?? []), ...values];
    }
    for (const [id, values] of Object.entries(reach)) {
      const path = axisName(id);
      const always = this.template.layout[path].autorangeoptions?.include ?? [];
      const wanted = [...always, ...values];
      paths[`${path}.autorangeoptions.include`] = wanted.length ? [Math.min(...wanted), Math.max(...wanted)] : null;
    }
    return paths;
  }

  /** Last-value tags: annotations named "last:<column>". On the page the edge draws them; a saved picture has these. */
  tags() {
    const paths = {};
    this.template.layout.annotations.forEach((tag, index) => {
      const column = tag.name?.startsWith("last:") ? tag.name.slice(5) : null;
      if (!column) return;
      const value = this.rows.last(column);
      const { decimals, floors } = this.template.layout.meta;
      paths[`annotations[${index}].visible`] = value !== null;
      paths[`annotations[${index}].y`] = value ?? 0;
      paths[`annotations[${index}].text`] = value === null ? "" : asText(value, decimals[column], floors?.[column]);
    });
    return paths;
  }

  /** Traces and layout with every row, in another width, zoomed as it is and without what is hidden. */
  picture(width) {
    const { data, layout } = this.compose({ ...this.look(), width });
    const { settled, marked } = this;
    this.settled = this.marked = this.rows.end;
    data.forEach((trace, place) => (this.fill(trace).visible = this.node.data[place]?.visible ?? true));
    Object.assign(this, { settled, marked });
    for (const [path, value] of Object.entries(this.tags())) setPath(layout, path, value);
    for (const name of Object.keys(layout).filter(isAxis)) {
      const { autorange, range } = this.node.layout[name] ?? {};
      if (autorange === false) Object.assign(layout[name], { autorange, range: [...range] });
    }
    return { data, layout };
  }

  compose(look) {
    const template = structuredClone(this.template);
    const colours = isDark(look.background) ? this.template.layout.meta.dark : {};
    const { data, layout } = recolour(template, colours);
    layout.meta = this.template.layout.meta;
    layout.width = look.width;
    layout.font = { ...layout.font, color: look.text, family: look.family };
    layout.paper_bgcolor = look.background; // what the crosshair's outline takes its contrast from
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: look.text, activecolor: look.text };
    layout.hoverlabel = { bgcolor: look.background, bordercolor: look.border, font: { color: look.text } };
    for (const name of Object.keys(layout).filter(isAxis)) {
      Object.assign(layout[name], { gridcolor: look.border, linecolor: look.border });
    }
    for (const tag of layout.annotations) tag.bgcolor = look.background;
    if (look.width < NARROW_PX) narrow(data, layout);
    // On a touch screen a finger that moves over the chart means to scroll the page.
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    return { data, layout };
  }

  destroy() {
    this.stop.abort();
    this.resize.disconnect();
    this.edge.remove();
    this.returning.remove();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.Plotly.purge(this.node);
  }
}

function narrow(data, layout) {
  for (const trace of data) trace.name = trace.meta.narrow ?? trace.name;
  layout.margin = { ...layout.margin, l: 46, r: 46 };
  layout.font.size = 10;
  for (const name of Object.keys(layout).filter(isAxis)) {
    layout[name].tickfont = { ...layout[name].tickfont, size: 9 };
    layout[name].nticks = 4;
    if (name !== "xaxis") layout[name].title = { text: "" };
  }
  for (const tag of layout.annotations) tag.font = { ...tag.font, size: 9 };
  for (const name of Object.keys(layout).filter((key) => key.startsWith("legend"))) {
    layout[name].font = { ...layout[name].font, size: 10 };
  }
}

/** "annotations[3].text" in an object that has annotations. */
function setPath(object, path, value) {
  const keys = path.match(/[^.[\]]+/g);
  const last = keys.pop();
  keys.reduce((inner, key) => (inner[key] ??= {}), object)[last] = value;
}
