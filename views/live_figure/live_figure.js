// The entry: one View for each place on a page, fed with numbered messages, whoever brings them.

import { Cards } from "./cards.js";
import { Figure, loadPlotly } from "./figure.js";
import { Preview } from "./preview.js";
import { Rows } from "./rows.js";

const views = new WeakMap();
let styles = null;

function loadStyles() {
  styles ??= new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("./live_figure.css", import.meta.url).href;
    link.onload = link.onerror = resolve; // without it the chart is plain, not lost
    document.head.append(link);
  });
  return styles;
}

/** Called by Streamlit for every message and every change of theme. */
export async function receive(component, plotlyUrl) {
  await loadStyles();
  const { parentElement: parent, data, setStateValue } = component;
  if (!views.has(parent)) views.set(parent, new View(parent, plotlyUrl));
  const view = views.get(parent);
  view.report = (figure) => setStateValue("have", figure);
  if (data) view.apply(JSON.parse(new TextDecoder().decode(data)));
  view.figure?.restyle();
  // Streamlit also calls this when a newer message overtook the one before: gone is only what left the page.
  return () => setTimeout(() => view.root.isConnected || (view.destroy(), views.delete(parent)));
}

class View {
  constructor(parent, plotlyUrl) {
    this.root = document.createElement("div");
    this.root.className = "lf-root";
    this.root.dataset.testid = "live-figure";
    const part = (className) => {
      const node = document.createElement("div");
      node.className = className;
      this.root.append(node);
      return node;
    };
    this.cards = new Cards(part("lf-cards"));
    this.notice = part("lf-notice");
    this.notice.setAttribute("role", "status");
    this.plot = part("lf-plot lf-waiting");
    this.plot.setAttribute("role", "figure");
    parent.append(this.root);
    this.preview = new Preview(this.plot);
    this.figure = null;
    this.gone = false;
    this.held = { figure: null, seq: -1, rows: null, template: null };
    this.told = undefined;
    loadPlotly(plotlyUrl).then(
      (Plotly) => this.begin(Plotly),
      (error) => this.say(error.message),
    );
  }

  begin(Plotly) {
    if (this.gone) return;
    this.figure = new Figure(this.plot, Plotly, () => this.drawn());
    if (this.held.rows) this.figure.show(this.held.template, this.held.rows);
  }

  /** Take a message: old ones are skipped, a gap is told and waits for the next base. */
  apply(message) {
    const { figure, seq, base, delta, cards } = message;
    if (figure === this.held.figure && seq <= this.held.seq) return;
    if (cards) this.cards.show(cards);
    if (base) this.takeBase(figure, base);
    else if (figure !== this.held.figure || (delta && !this.held.rows.apply(delta))) return this.tell(null);
    this.held.seq = seq;
    this.mark();
    this.tell(figure);
    if (!this.figure) this.preview.show(this.held.template, this.held.rows);
    else if (base) this.figure.show(this.held.template, this.held.rows);
    else if (delta) this.figure.changed();
  }

  takeBase(figure, base) {
    const template = { layout: base.layout, data: base.data };
    this.held = { figure, seq: -1, rows: new Rows(base), template };
    this.plot.style.minHeight = `${base.layout.height}px`;
    this.plot.setAttribute("aria-label", base.layout.meta.description);
  }

  /** Say which figure is held; null asks for a base. Only news is told: each telling runs the fragment. */
  tell(figure) {
    if (figure === null) this.held = { ...this.held, figure: null };
    if (this.told === figure) return;
    this.told = figure;
    this.report(figure);
  }

  mark() {
    const { figure, seq, rows } = this.held;
    Object.assign(this.root.dataset, { figure, seq, rows: rows.length });
  }

  drawn() {
    this.preview.remove();
    this.plot.classList.remove("lf-waiting");
    this.root.dataset.drawn = this.figure.drawn;
  }

  say(sentence) {
    this.preview.remove();
    this.plot.classList.remove("lf-waiting");
    this.notice.textContent = sentence;
  }

  destroy() {
    this.gone = true;
    this.figure?.destroy();
    this.root.remove();
  }
}
