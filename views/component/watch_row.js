// A row of the watchlist. Its nodes stay for as long as its pair is on the list; only texts that changed are written.

import { ageText } from "./freshness.js";
import { Spark } from "./spark.js";

const SIGNS = { long: "▲", short: "▼", flat: "–", ok: "✓", warn: "●" };
const WORDS = { long: "long", short: "short", warn: "attention" };
const FLASH_MS = 500;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function element(tag, className, parent, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  parent.append(node);
  return node;
}

export function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class Cell {
  constructor(tag, column, parent) {
    this.node = element(tag, `wl-cell wl-${column.name}`, parent);
    this.node.dataset.label = column.label;
    this.node.setAttribute("role", tag === "th" ? "rowheader" : "cell");
    if (tag === "th") this.node.scope = "row";
    this.inner = element("div", "wl-in", this.node); // a cell itself cannot be a grid
    const line = element("div", "wl-line", this.inner);
    this.sign = element("span", "wl-sign", line);
    this.sign.setAttribute("aria-hidden", "true");
    this.value = element(tag === "th" ? "a" : "span", "wl-value", line);
    this.sub = element("div", "wl-sub", this.inner);
    this.shown = [];
  }

  show([text = "", sub = "", tone = ""]) {
    const [oldText, oldSub, oldTone] = this.shown;
    if (tone !== oldTone) {
      this.node.dataset.tone = tone;
      this.sign.textContent = SIGNS[tone] ?? "";
    }
    if (text !== oldText) this.value.textContent = text;
    if (sub !== oldSub) this.sub.textContent = sub;
    this.shown = [text, sub, tone];
  }

  get words() {
    const [text = "", sub = "", tone = ""] = this.shown;
    return [text, WORDS[tone], sub].filter(Boolean).join(", ");
  }
}

export class Row {
  /** @param {{columns: {name: string, label: string}[], legs: Object<string, string[]>}} head */
  constructor(id, head, href) {
    this.id = id;
    this.head = head;
    this.legs = head.legs[id] ?? [];
    this.node = document.createElement("tr");
    this.node.className = "wl-row";
    this.node.setAttribute("role", "row");
    this.node.dataset.testid = `watch-${id}`;
    this.node.dataset.pair = id;
    this.cells = new Map();
    for (const column of head.columns) {
      this.cells.set(column.name, new Cell(column.name === "pair" ? "th" : "td", column, this.node));
    }
    this.link = this.cells.get("pair").value;
    this.link.href = href;
    this.link.tabIndex = -1;
    this.spark = new Spark(this.cells.get("zscore").inner);
    const last = element("td", "wl-cell wl-go", this.node);
    last.setAttribute("role", "cell");
    this.remove = element("button", "wl-remove", last, "×");
    this.remove.type = "button";
    this.remove.tabIndex = -1;
    this.remove.setAttribute("aria-label", `Take ${id.replace("~", " / ")} off the list`);
    this.data = {};
    this.points = [];
    this.olderAt = null;
    this.dirty = true;
  }

  /** Everything about the row, or what changed of it. */
  take({ cells = {}, points, add }) {
    Object.assign(this.data, cells);
    if (points) this.points = points;
    else if (add) this.points = [...this.points, ...add].slice(-this.head.points);
    this.dirty = true;
  }

  /** Write what changed. Nothing is measured here. */
  paint() {
    if (!this.dirty) return;
    this.dirty = false;
    const was = this.cells.get("signal").shown[0];
    for (const [name, cell] of this.cells) {
      if (name !== "age" && name !== "zscore" && this.data[name]) cell.show(this.data[name]);
    }
    const [z, words = "", tone] = this.data.zscore ?? [];
    const now = this.data.now?.[0] ?? null;
    const below = words || now === null ? words : `now ${now < 0 ? "" : "+"}${now.toFixed(2)}`;
    this.cells.get("zscore").show([z, below, tone]);
    this.spark.draw(this.points, now, this.head);
    const is = this.cells.get("signal").shown[0];
    if (was && was !== is && !calm.matches && !document.hidden) this.flash();
  }

  flash() {
    const tint = "color-mix(in srgb, currentColor 12%, transparent)";
    this.node.animate([{ backgroundColor: tint }, {}], { duration: FLASH_MS, easing: "ease-out" });
  }

  /** The age of the leg that traded longer ago, by the moments of all legs. */
  count(moments, clock) {
    const known = this.legs.map((leg) => moments[leg]);
    const missing = this.legs.find((leg, place) => known[place] === undefined);
    this.olderAt = missing === undefined && known.length ? Math.min(...known) : null;
    const cell = this.cells.get("age");
    if (this.olderAt === null || clock === null) {
      return cell.show(["–", missing === undefined ? "" : `${missing}: no trade yet`, ""]);
    }
    const ms = clock.age(this.olderAt);
    const older = this.legs[known.indexOf(this.olderAt)];
    const stale = ms > this.head.stale_ms;
    if (stale !== (this.node.dataset.stale === "true")) this.node.dataset.stale = String(stale);
    return cell.show([ageText(ms), stale ? `${older}: old` : "", stale ? "warn" : ""]);
  }

  /** What the row is sorted by: null where it is unknown, which stands last in both orders. */
  sortValue(name) {
    if (name === "pair") return this.id;
    if (name === "age") return this.olderAt === null ? null : -this.olderAt;
    const [text = "", , , value] = this.data[name] ?? [];
    const number = value ?? Number.parseFloat(text);
    return Number.isFinite(number) ? number : null;
  }
}
