// In which order the rows of the watchlist stand: chosen by the headers, or above the cards of a narrow screen.

import { element } from "./watch_row.js";

const SORT_MS = 300;
const STILL_MS = 1500; // rows do not change places under a pointer that moves: a click would meet another one
const FIRST_DOWN = new Set(["zscore", "edge", "signal"]); // the largest first at the first click

export class Order {
  /** @param {(by: string) => void} chosen told "name", "-name" for the largest first, or "" for the list's own order */
  constructor(headRow, tools, body, chosen) {
    this.headRow = headRow;
    this.tools = tools;
    this.body = body;
    this.chosen = chosen;
    this.name = "";
    this.down = false;
    this.sortedAt = 0;
    this.movedAt = -STILL_MS;
    body.addEventListener("pointermove", () => (this.movedAt = performance.now()));
    body.addEventListener("pointerleave", () => (this.movedAt = -STILL_MS));
  }

  get text() {
    return `${this.down ? "-" : ""}${this.name}`;
  }

  /** Where an address says the order to begin with. */
  begin(text) {
    this.name = text.replace("-", "");
    this.down = text.startsWith("-");
  }

  drawHead(columns) {
    if (!columns.some(({ name }) => name === this.name)) this.begin("");
    this.headRow.replaceChildren();
    this.headers = new Map();
    for (const { name, label, help } of columns) {
      const cell = element("th", `wl-${name}`, this.headRow);
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      const button = element("button", "wl-sort", cell);
      button.type = "button";
      button.title = help;
      element("span", "", button, label);
      const sign = element("span", "wl-arrow", button);
      sign.setAttribute("aria-hidden", "true");
      button.addEventListener("click", () => this.click(name));
      this.headers.set(name, { cell, sign });
    }
    const last = element("th", "wl-go", this.headRow);
    last.scope = "col";
    last.setAttribute("role", "columnheader");
    element("span", "lf-said", last, "Take off the list");
    this.drawTools(columns);
    this.show();
  }

  /** Where rows stand as cards there is no header to click. */
  drawTools(columns) {
    this.tools.replaceChildren();
    const label = element("label", "wl-sort-label", this.tools, "Sort by ");
    this.select = element("select", "wl-select", label);
    for (const { name, label: words } of [{ name: "", label: "list" }, ...columns]) {
      element("option", "", this.select, words).value = name;
    }
    this.select.addEventListener("change", () => this.by(this.select.value, FIRST_DOWN.has(this.select.value)));
    this.turn = element("button", "wl-turn", this.tools);
    this.turn.type = "button";
    this.turn.addEventListener("click", () => this.by(this.name, !this.down));
  }

  /** The first click sorts, the second turns, the third brings the list's own order back. */
  click(name) {
    const first = FIRST_DOWN.has(name);
    if (this.name !== name) this.by(name, first);
    else if (this.down === first) this.by(name, !first);
    else this.by("", false);
  }

  by(name, down) {
    this.name = name;
    this.down = down && name !== "";
    this.show();
    this.chosen(this.text);
  }

  show() {
    const { name, down } = this;
    for (const [column, { cell, sign }] of this.headers) {
      cell.setAttribute("aria-sort", column !== name ? "none" : down ? "descending" : "ascending");
      sign.textContent = column !== name ? "" : down ? "▼" : "▲";
    }
    this.select.value = name;
    this.turn.textContent = down ? "▼" : "▲";
    this.turn.disabled = !name;
    this.turn.setAttribute("aria-label", down ? "Largest first; turn" : "Smallest first; turn");
  }

  /** Put rows where they belong now; those without a value stand last either way. */
  sort(rows, atOnce = false) {
    const now = performance.now();
    if (!atOnce && (now - this.sortedAt < SORT_MS || now - this.movedAt < STILL_MS)) return;
    this.sortedAt = now;
    const { name, down, body } = this;
    const keyed = [...rows.values()].map((row) => ({ row, value: name ? row.sortValue(name) : row.place }));
    keyed.sort((one, other) => {
      if ((one.value === null) !== (other.value === null)) return one.value === null ? 1 : -1;
      const less = one.value < other.value ? -1 : one.value > other.value ? 1 : 0;
      return (down ? -less : less) || one.row.place - other.row.place;
    });
    const wanted = keyed.map(({ row }) => row.node);
    if (wanted.every((node, place) => body.children[place] === node)) return;
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    wanted.forEach((node, place) => {
      if (body.children[place] !== node) body.insertBefore(node, body.children[place] ?? null);
    });
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true }); // a move lets go of it
  }
}
