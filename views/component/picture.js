// A chart of the page as a file: as it is zoomed, in a size and in colours of its own. Nothing leaves the browser.

import { loadPlotly } from "./figure.js";

const KINDS = { png: "image/png", svg: "image/svg+xml" };
// A picture has no fonts of the page: what it is measured with is what it is drawn with.
const FONT = "Arial, Helvetica, sans-serif";
const places = new WeakMap();

/** Called by Streamlit for every message. */
export async function receive({ parentElement: parent, data }, { plotly }) {
  if (!places.has(parent)) places.set(parent, new Picture(parent, plotly));
  places.get(parent).wish = data;
  return () => setTimeout(() => parent.isConnected || places.delete(parent));
}

class Picture {
  constructor(parent, plotlyUrl) {
    this.plotlyUrl = plotlyUrl;
    const row = document.createElement("div");
    row.className = "lf-picture";
    this.said = document.createElement("span");
    this.said.setAttribute("role", "status");
    for (const kind of Object.keys(KINDS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Save as ${kind.toUpperCase()}`;
      button.addEventListener("click", () => this.save(kind, button));
      row.append(button);
    }
    row.append(this.said);
    parent.append(row);
  }

  async save(kind, button) {
    const { chart, name, width, height } = this.wish;
    const node = document.querySelector(chart);
    if (!node?.data) return this.say("There is no chart to save yet.");
    button.disabled = true;
    this.say("Drawing");
    try {
      const Plotly = await loadPlotly(this.plotlyUrl);
      const figure = this.dressed(node);
      const url = await Plotly.toImage(figure, { format: kind, width, height, scale: 1 });
      hand(await (await fetch(url)).blob(), KINDS[kind], `${name}.${kind}`);
      this.say(`${width} × ${height} saved`);
    } catch (error) {
      this.say(`The chart could not be drawn: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  say(words) {
    this.said.textContent = words;
  }

  /** The chart's traces and layout, copied, in the colours that are wished for. */
  dressed(node) {
    const { theme, looks, colours, width, height } = this.wish;
    const mode = theme || (isDark(node) ? "dark" : "light");
    const shown = node.picture ? node.picture(width) : { data: node.data, layout: node.layout };
    const swap = mode === "dark" ? colours : Object.fromEntries(Object.entries(colours).map(([a, b]) => [b, a]));
    const data = recolour(structuredClone(shown.data), swap);
    const layout = recolour(structuredClone(shown.layout), swap);
    Object.assign(layout, { width, height, autosize: false });
    for (const part of [layout, layout.template?.layout]) if (part) dress(part, looks[mode]);
    for (const tag of layout.annotations ?? []) if (tag.bgcolor) tag.bgcolor = looks[mode].background;
    return { data, layout };
  }
}

function dress(layout, { background, text, grid }) {
  Object.assign(layout, { paper_bgcolor: background, plot_bgcolor: background });
  layout.font = { ...layout.font, color: text, family: FONT };
  const axes = Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name));
  for (const axis of axes.map((name) => layout[name])) {
    Object.assign(axis, { gridcolor: grid, linecolor: grid, zerolinecolor: grid });
  }
}

/** With colours exchanged and without fonts; what is no text, as a column of numbers, stays. */
function recolour(value, swap) {
  if (typeof value === "string") return swap[value] ?? value;
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((item) => recolour(item, swap));
  const kept = Object.entries(value).filter(([key]) => key !== "family");
  return Object.fromEntries(kept.map(([key, item]) => [key, recolour(item, swap)]));
}

/** Whether the page behind a chart is dark: the first background that is not see-through says. */
function isDark(node) {
  for (let place = node; place; place = place.parentElement) {
    const [red, green, blue, alpha = 1] = getComputedStyle(place).backgroundColor.match(/[\d.]+/g).map(Number);
    if (alpha > 0) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return false;
}

function hand(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
