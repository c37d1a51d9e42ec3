// One Plotly figure: made once, then updated in place. At most one drawing at a time; the latest rows win.

const NARROW_PX = 560;
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
   * @param {(figure: Figure) => void} onDrawn called after each drawing.
   */
  constructor(node, Plotly, onDrawn) {
    this.node = node;
    this.Plotly = Plotly;
    this.onDrawn = onDrawn;
    this.drawn = 0;
    this.template = null;
    this.rows = null;
    this.stale = { look: false, rows: false };
    this.frame = null;
    this.timer = null;
    this.restUntil = 0;
    this.busy = false;
    this.held = false;
    this.listen();
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
    this.schedule();
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
    this.changed();
  }

  changed() {
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
    const wanted = this.rows && (this.stale.look || this.stale.rows);
    if (!wanted || this.frame || this.busy || this.held || document.hidden || this.stop.signal.aborted) return;
    const rest = this.restUntil - performance.now();
    if (rest > 0) this.timer ??= setTimeout(() => ((this.timer = null), this.schedule()), rest);
    else this.frame = requestAnimationFrame(() => this.draw());
  }

  async draw() {
    this.frame = null;
    this.busy = true;
    const begin = performance.now();
    const { look } = this.stale;
    this.stale = { look: false, rows: false };
    try {
      if (look) await this.drawAll();
      else await this.drawRows();
      this.drawn += 1;
      this.onDrawn(this);
    } finally {
      this.busy = false;
      // On a slow machine every second moment belongs to the person who clicks and scrolls.
      const end = performance.now();
      this.restUntil = end + (end - begin);
    }
    this.schedule();
  }

  /** Everything; layout.uirevision keeps zoom and hidden traces as the person left them. */
  async drawAll() {
    const look = this.look();
    if (look.width === 0) return; // not laid out yet: the observer calls again
    this.lookText = JSON.stringify(look);
    const { data, layout } = this.compose(look);
    data.forEach((trace) => this.fill(trace));
    for (const [path, value] of Object.entries(this.tags())) setPath(layout, path, value);
    await this.Plotly.react(this.node, data, layout, CONFIG);
  }

  async drawRows() {
    const traces = this.node.data.map((trace) => this.fill({ meta: trace.meta, mode: trace.mode }));
    const numbers = { x: traces.map((trace) => trace.x), y: traces.map((trace) => trace.y) };
    await this.Plotly.update(this.node, numbers, this.tags());
  }

  fill(trace) {
    const x = this.rows.columns[trace.meta.x];
    const y = this.rows.columns[trace.meta.y];
    // A column of marks is nearly all null, and Plotly looks at every one: a sixth of a drawing's time.
    const marked = trace.mode === "markers" ? [...y.keys()].filter((row) => y[row] !== null) : null;
    trace.x = marked ? marked.map((row) => x[row]) : x;
    trace.y = marked ? marked.map((row) => y[row]) : y;
    return trace;
  }

  /** Last-value tags: annotations named "last:<column>". */
  tags() {
    const paths = {};
    this.template.layout.annotations.forEach((tag, index) => {
      const column = tag.name?.startsWith("last:") ? tag.name.slice(5) : null;
      if (!column) return;
      const value = this.rows.last(column);
      const digits = this.template.layout.meta.decimals[column];
      const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      paths[`annotations[${index}].visible`] = value !== null;
      paths[`annotations[${index}].y`] = value ?? 0;
      paths[`annotations[${index}].text`] = value === null ? "" : value.toLocaleString("en-US", options);
    });
    return paths;
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
    if (look.width < NARROW_PX) narrow(layout);
    // On a touch screen a finger that moves over the chart means to scroll the page.
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    return { data, layout };
  }

  destroy() {
    this.stop.abort();
    this.resize.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.Plotly.purge(this.node);
  }
}

function narrow(layout) {
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
  keys.reduce((inner, key) => inner[key], object)[last] = value;
}
