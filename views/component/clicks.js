// Reports clicks on the cells of a heat map of this page, and frames the cell that is chosen.

const LOOK_MS = 250;
const NS = "http://www.w3.org/2000/svg";

class Clicks {
  constructor() {
    this.plot = null;
    this.clicked = (event) => {
      const point = event.points?.[0];
      if (point) this.report([String(point.x), String(point.y)]);
    };
    this.drawn = () => this.plot && frame(this.plot, this.marked);
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Streamlit draws a new plot where the figure is another. */
  look() {
    const plot = document.querySelector(`.st-key-${CSS.escape(this.place)} .js-plotly-plot`);
    if (!plot?.on || plot === this.plot) return;
    this.leave();
    this.plot = plot;
    plot.on("plotly_click", this.clicked);
    plot.on("plotly_afterplot", this.drawn);
    this.drawn();
  }

  leave() {
    this.plot?.removeListener?.("plotly_click", this.clicked);
    this.plot?.removeListener?.("plotly_afterplot", this.drawn);
    this.plot = null;
  }

  remove() {
    clearInterval(this.timer);
    this.leave();
  }
}

/** A map says the same of x and y as of y and x: both cells are framed. */
function frame(plot, marked) {
  plot.querySelectorAll(".chosen-cell").forEach((box) => box.remove());
  const { xaxis, yaxis } = plot._fullLayout ?? {};
  if (!marked || !xaxis?._categories) return;
  for (const [x, y] of [marked, [...marked].reverse()]) {
    const [across, down] = [edges(xaxis, x), edges(yaxis, y)];
    if (!across || !down) continue;
    const box = document.createElementNS(NS, "rect");
    const place = { x: across[0], y: down[0], width: across[1], height: down[1], class: "chosen-cell" };
    for (const [name, value] of Object.entries(place)) box.setAttribute(name, value);
    box.setAttribute("style", "fill:none;stroke:#e8890c;stroke-width:2.5;pointer-events:none");
    plot.querySelector(".main-svg").append(box);
  }
}

/** Where a category begins on its axis, and how long it is, in pixels of the figure. */
function edges(axis, label) {
  const at = axis._categories.indexOf(label);
  if (at < 0) return null;
  const [one, other] = [axis.r2p(at - 0.5), axis.r2p(at + 0.5)];
  const [low, high] = [Math.max(0, Math.min(one, other)), Math.min(axis._length, Math.max(one, other))];
  return high > low ? [axis._offset + low, high - low] : null;
}

/** Runs at every change of the data, and again for the same element: so what listens is kept with that. */
export default function clicks({ data, setTriggerValue, parentElement }) {
  const kept = (parentElement.clicks ??= new Clicks());
  kept.place = data.place;
  kept.marked = data.marked;
  kept.report = (cell) => setTriggerValue("cell", cell);
  kept.look();
  kept.drawn();
  return () => {
    kept.remove();
    delete parentElement.clicks;
  };
}
