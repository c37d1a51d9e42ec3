// The prices as two plain lines, at once: Plotly.js is 4.7 MB and a slow machine takes seconds to start it.

const SVG = "http://www.w3.org/2000/svg";

export class Preview {
  /** @param {HTMLElement} place where the chart will be; the lines lie above it until they are removed. */
  constructor(place) {
    this.place = place;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "lf-preview");
    this.svg.setAttribute("aria-hidden", "true");
    place.before(this.svg);
  }

  /** Draw the traces of the first panel, each over its own range, where the figure will have them. */
  show({ layout, data }, rows) {
    const { l, r, t, b } = layout.margin;
    const width = this.place.clientWidth - l - r;
    const inner = layout.height - t - b;
    const [low, high] = layout.yaxis?.domain ?? [0, 0]; // without prices nothing is drawn
    const box = { left: l, top: t + (1 - high) * inner, width, height: (high - low) * inner };
    const legs = data.filter((trace) => trace.mode === "lines" && ["y", "y2"].includes(trace.yaxis));
    this.svg.replaceChildren(...legs.map((trace) => line(rows.columns[trace.meta.y], trace.line, box)));
  }

  remove() {
    this.svg.remove();
  }
}

function line(values, style, box) {
  const known = values.filter((value) => value !== null);
  const lowest = Math.min(...known);
  const span = Math.max(...known) - lowest || 1;
  const step = box.width / Math.max(values.length - 1, 1);
  const points = values.flatMap((value, row) =>
    value === null ? [] : [`${box.left + row * step},${box.top + box.height * (1 - (value - lowest) / span)}`],
  );
  const node = document.createElementNS(SVG, "polyline");
  node.setAttribute("points", points.join(" "));
  node.style.cssText = `fill: none; stroke: ${style.color}; stroke-width: ${style.width}px`;
  return node;
}
