// How long a tick takes from the exchange to the eye, hop by hop. Painted is when the frame that shows it was done.

const KEPT = 400;
const TELL_MS = 5000;
const SHOW_MS = 1000;
const DENSE_MS = 1000;
const TOLD = 90; // figures told at once, the newest
const HOPS = [
  ["traded", "exchange → received", "From the venue's time of the trade to its arrival here, by the venue's clock."],
  ["received", "received → computed", "From arrival to the published answer that contains it."],
  ["computed", "computed → painted", "From the answer to the browser's finished frame."],
  ["total", "received → painted", "From a trade's arrival at the server to the frame that shows it."],
];

/** Calls back when the browser has painted what was drawn in this frame. */
export function afterPaint(callback) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback(performance.now());
  };
  port2.postMessage(null);
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

export class Latency {
  /** @param {HTMLElement} row to fill. @param {(told: {p50: number, p95: number, ms: number[]}) => void} tell */
  constructor(row, tell) {
    this.row = row;
    this.tell = tell;
    this.samples = Object.fromEntries(HOPS.map(([name]) => [name, []]));
    this.toldAt = this.shownAt = performance.now();
    this.seen = 0;
    this.untold = [];
    this.values = new Map();
    row.setAttribute("aria-label", "Latency, median and 95th percentile in ms");
    row.hidden = true;
  }

  /**
   * Note one painted message.
   * @param {{traded: number, first: number, received: number, computed: number}} stamps server's time, ms
   * @param {number} painted the same clock
   */
  add(stamps, painted) {
    this.push("traded", stamps.received - stamps.traded);
    this.push("received", stamps.computed - stamps.received);
    this.push("computed", painted - stamps.computed);
    // The ticks of a message came one after another: its first waited longest, its last hardly.
    const first = this.firstUnseen(stamps);
    for (const share of [0, 0.5, 1]) {
      const took = painted - first - share * (stamps.received - first);
      this.push("total", took);
      this.untold.push(Math.round(took));
    }
    this.seen = stamps.received;
    const now = performance.now();
    if (now - this.shownAt > SHOW_MS) this.show(now);
    if (now - this.toldAt > TELL_MS) {
      this.toldAt = now;
      this.tell({ ...this.summary("total"), ms: this.untold.splice(0).slice(-TOLD) });
    }
  }

  /** When the first tick arrived that this message shows and the one before did not: some may have been skipped. */
  firstUnseen({ first, received }) {
    return received - this.seen < DENSE_MS ? Math.min(first, this.seen) : first;
  }

  push(hop, ms) {
    const kept = this.samples[hop];
    kept.push(ms);
    if (kept.length > KEPT) kept.shift();
  }

  summary(hop) {
    const sorted = [...this.samples[hop]].sort((one, other) => one - other);
    return { p50: Math.round(quantile(sorted, 0.5)), p95: Math.round(quantile(sorted, 0.95)) };
  }

  show(now) {
    this.shownAt = now;
    this.row.hidden = false;
    for (const [name, label, help] of HOPS) {
      if (!this.values.has(name)) this.values.set(name, this.hop(label, help));
      const { p50, p95 } = this.summary(name);
      this.values.get(name).textContent = `${p50} / ${p95} ms`;
    }
  }

  hop(label, help) {
    const part = (tag, className, parent, text = "") => {
      const node = document.createElement(tag);
      node.className = className;
      node.textContent = text;
      parent.append(node);
      return node;
    };
    const hop = part("span", "lf-hop", this.row);
    hop.title = help;
    part("span", "lf-hop-name", hop, label);
    return part("span", "lf-hop-value", hop);
  }
}
