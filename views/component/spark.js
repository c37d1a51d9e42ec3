// A small line of z-scores on a canvas: what stands between the entries is calm. Drawn anew as a whole, in microseconds.

const HEIGHT = 26;
const EDGE = 2;
const DOT = 2;
const ROOM = 1.25; // beyond the entry, so that a crossing is seen

let styles = null;

/** Colours of the theme, read once for all lines until it changes. */
export function forgetColours() {
  styles = null;
}

function colours(node) {
  if (!styles) {
    const read = getComputedStyle(node);
    const named = (name) => read.getPropertyValue(name).trim();
    styles = { line: named("--st-primary-color"), faint: named("--st-text-color"), long: named("--st-blue-text-color") };
    styles.short = named("--st-orange-text-color");
  }
  return styles;
}

export class Spark {
  constructor(parent) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "wl-spark";
    this.canvas.setAttribute("aria-hidden", "true"); // the number beside it says what it ends at
    this.width = 0;
    parent.append(this.canvas);
  }

  /** The width is told by an observer: nothing is measured while numbers move. */
  resize(width) {
    if (width === this.width || width < 1) return;
    this.width = width;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(HEIGHT * scale);
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  /**
   * @param {(number|null)[]} points closed bars, oldest first
   * @param {number|null} now the forming one
   * @param {{entry: number, points: number}} head
   */
  draw(points, now, { entry, points: most }) {
    const { context, width } = this;
    if (!context) return;
    const { line, faint, long, short } = colours(this.canvas);
    context.clearRect(0, 0, width, HEIGHT);
    const all = now === null ? points : [...points, now];
    let size = entry * ROOM;
    for (const value of all) if (value !== null) size = Math.max(size, Math.abs(value));
    const y = (value) => HEIGHT / 2 - (value / size) * (HEIGHT / 2 - EDGE);
    const x = (place) => EDGE + ((place + most + 1 - all.length) / most) * (width - 2 * EDGE - DOT);
    context.lineWidth = 1;
    context.strokeStyle = faint;
    context.globalAlpha = 0.3;
    for (const [level, dash] of [[0, []], [entry, [2, 3]], [-entry, [2, 3]]]) {
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(0, y(level));
      context.lineTo(width, y(level));
      context.stroke();
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
    context.lineWidth = 1.3;
    context.strokeStyle = line;
    context.beginPath();
    let broken = true;
    all.forEach((value, place) => {
      if (value === null) return void (broken = true);
      context[broken ? "moveTo" : "lineTo"](x(place), y(value));
      broken = false;
    });
    context.stroke();
    const last = all.at(-1) ?? null;
    if (last === null) return;
    context.fillStyle = last >= entry ? short : last <= -entry ? long : line;
    context.beginPath();
    context.arc(x(all.length - 1), y(last), DOT, 0, 2 * Math.PI);
    context.fill();
  }
}
