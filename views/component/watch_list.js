// The watchlist: one table, fed with numbered messages. Rows are sorted here, so an order holds while numbers move.

import { channelAt } from "./channel.js";
import { Clock, freshness } from "./freshness.js";
import { afterPaint, Latency } from "./latency.js";
import { forgetColours } from "./spark.js";
import { Toasts } from "./toasts.js";
import { Order } from "./watch_order.js";
import { element, Row, set } from "./watch_row.js";

const WAYS = {
  connecting: "Opening the direct channel",
  open: "Direct channel",
  reconnecting: "Connection lost, reconnecting",
  page: "Through the page: the direct channel does not open",
  off: "Through the page",
};

const views = new WeakMap();
const styles = {};

function loadStyles(name) {
  styles[name] ??= new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(name, import.meta.url).href;
    link.onload = link.onerror = resolve; // without it the table is plain, not lost
    document.head.append(link);
  });
  return styles[name];
}

/** Called by Streamlit for every message and every change of theme. */
export async function receive(component, { home }) {
  await Promise.all([loadStyles("./live_figure.css"), loadStyles("./watch_list.css")]);
  const { parentElement: parent, data, setStateValue, setTriggerValue } = component;
  if (!views.has(parent)) views.set(parent, new View(parent));
  const view = views.get(parent);
  view.report = setStateValue;
  view.trigger = setTriggerValue;
  if (data) view.receive(JSON.parse(new TextDecoder().decode(data)), home);
  forgetColours();
  view.repaint();
  // Streamlit also calls this when a newer message overtook the one before: gone is only what left the page.
  return () => setTimeout(() => view.root.isConnected || (view.destroy(), views.delete(parent)));
}

class View {
  constructor(parent) {
    this.root = element("div", "wl-root", parent);
    this.root.dataset.testid = "watch-list";
    const tools = element("div", "wl-tools", this.root);
    const scroll = element("div", "wl-scroll", this.root);
    this.table = element("table", "wl-table", scroll);
    this.table.setAttribute("role", "table");
    this.table.setAttribute("aria-label", "Watchlist");
    const headSection = element("thead", "wl-head", this.table);
    headSection.setAttribute("role", "rowgroup");
    const headRow = element("tr", "", headSection);
    headRow.setAttribute("role", "row");
    this.body = element("tbody", "wl-body", this.table);
    this.body.setAttribute("role", "rowgroup");
    this.order = new Order(headRow, tools, this.body, (by) => this.ordered(by));
    const foot = element("div", "lf-latency", this.root);
    this.wayText = element("div", "lf-way", foot);
    this.wayText.setAttribute("role", "status");
    this.latency = new Latency(element("div", "lf-hops", foot), (painted) => this.channel?.send({ painted }));
    this.toasts = new Toasts(this.root);
    this.rows = new Map();
    this.ids = []; // in the order of the base
    this.head = null;
    this.moments = {};
    this.links = {};
    this.topic = null;
    this.channel = null;
    this.hold = { figure: null, seq: -1 };
    this.clock = null; // of the data
    this.asked = false;
    this.toldOf = {};
    this.unseen = [];
    this.frame = null;
    freshness.followers.add(this);
    this.sizes = new ResizeObserver((entries) => this.resized(entries));
    this.listen();
  }

  listen() {
    const pairAt = (event) => event.target.closest(".wl-row")?.dataset.pair;
    this.body.addEventListener("click", (event) => {
      const pair = pairAt(event);
      if (!pair || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault(); // the page goes there itself and keeps its session
      if (event.target.closest(".wl-remove")) this.trigger("remove", pair);
      else if (!String(getSelection())) this.trigger("open", pair);
    });
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("focusin", (event) => this.stopAt(event.target.closest(".wl-row")));
  }

  /** What the page sent: which topic to follow, the ticket for the channel, and perhaps a message. */
  receive({ topic, ticket, message, links, sort }, home) {
    this.links = links;
    for (const [id, row] of this.rows) if (links[id] && row.link.getAttribute("href") !== links[id]) row.link.href = links[id];
    if (!this.root.dataset.sort && sort) this.order.begin(sort);
    this.channel = channelAt(home, ticket);
    if (message) freshness.hearMessage(message, this.channel.way === "page");
    if (this.topic !== topic) {
      if (this.topic !== null) this.channel.remove(this);
      this.topic = topic;
      this.hold = { figure: null, seq: -1 };
      if (message) this.apply(message);
      this.channel.add(this);
      this.wayChanged(this.channel.state);
    } else if (message) this.apply(message);
  }

  // ---- what a listener of the channel has ----

  held() {
    const { figure, seq } = this.hold;
    return figure === null ? {} : { figure, seq };
  }

  wayChanged(state) {
    this.asked = false;
    this.root.dataset.way = state;
    set(this.wayText, WAYS[state]);
    if (state !== "connecting" && state !== "off") this.tell("way", this.channel.way);
  }

  note(note) {
    this.toasts.show(note);
  }

  /** Take a message: old ones are skipped, after a hole everything is asked for. */
  apply(message) {
    const { figure, seq, base, delta } = message;
    if (message.topic !== this.topic) return;
    const same = figure === this.hold.figure;
    if (same && !base && seq <= this.hold.seq) return;
    if (!base && !(same && this.hold.seq === seq - 1)) return this.miss();
    this.clock = new Clock(message.clock);
    if (base) this.takeBase(base, message.moments);
    else Object.assign(this.moments, message.moments);
    for (const [place, change] of Object.entries(delta?.rows ?? {})) this.rows.get(this.ids[place]).take(change);
    this.hold = { figure, seq };
    this.asked = false;
    if (document.hidden) this.unseen = []; // nobody waits to see them
    else if (message.stamps) this.unseen.push(message.stamps);
    this.tell("have", figure);
    this.tell("status", message.status);
    this.schedule();
  }

  /** Messages were lost: ask whoever carries them for everything, once however many are still on their way. */
  miss() {
    this.hold = { figure: null, seq: -1 };
    if (this.channel.state !== "open") this.tell("have", null);
    else if (!this.asked) {
      this.asked = true;
      this.channel.subscribe(this);
    }
  }

  /** Only news is told: each telling runs the page's fragment. */
  tell(name, value) {
    if (name in this.toldOf && this.toldOf[name] === value) return;
    this.toldOf[name] = value;
    this.report(name, value);
  }

  takeBase({ head, rows }, moments) {
    const names = JSON.stringify(head);
    if (names !== this.headText) {
      this.headText = names;
      this.head = head;
      this.order.drawHead(head.columns);
      this.root.dataset.sort = this.order.text || "list";
      for (const row of this.rows.values()) this.forget(row);
    }
    this.moments = moments;
    this.ids = rows.map((row) => row.id);
    const there = new Set(this.ids);
    for (const [id, row] of this.rows) if (!there.has(id)) this.forget(row);
    rows.forEach((data, place) => {
      let row = this.rows.get(data.id);
      if (!row) {
        row = new Row(data.id, head, this.links[data.id] ?? "#");
        this.rows.set(data.id, row);
        this.sizes.observe(row.spark.canvas);
        this.body.append(row.node);
      }
      row.place = place;
      row.take(data);
    });
    this.order.sort(this.rows, true);
    this.root.dataset.rows = this.rows.size;
    const links = this.rowLinks();
    if (links.length && !links.some((link) => link.tabIndex === 0)) this.stopAt(links[0].closest(".wl-row"));
  }

  forget(row) {
    this.sizes.unobserve(row.spark.canvas);
    row.node.remove();
    this.rows.delete(row.id);
  }

  // ---- drawing ----

  /** One painting a frame, however many messages came. */
  schedule() {
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.frame = null;
    for (const row of this.rows.values()) row.paint();
    this.count();
    this.order.sort(this.rows);
    this.root.dataset.seq = this.hold.seq;
    const stamps = this.unseen;
    this.unseen = [];
    if (document.hidden || !stamps.length) return;
    const { seq } = this.hold;
    afterPaint((moment) => this.painted(seq, stamps, moment));
  }

  painted(seq, stamps, moment) {
    this.root.dataset.painted = seq;
    const byPage = this.channel?.way !== "channel";
    const now = this.channel?.serverTime(moment) ?? (byPage ? performance.timeOrigin + moment : null);
    if (now === null) return;
    for (const stamp of stamps) {
      const first = this.latency.firstUnseen(stamp);
      this.latency.add(stamp, now);
      this.root.dispatchEvent(new CustomEvent("painted", { detail: { seq, now, ...stamp, first } }));
    }
  }

  repaint() {
    for (const row of this.rows.values()) row.dirty = true;
    this.schedule();
  }

  resized(entries) {
    const rows = new Map([...this.rows.values()].map((row) => [row.spark.canvas, row]));
    for (const { target, contentRect } of entries) {
      const row = rows.get(target);
      row?.spark.resize(contentRect.width);
      if (row) row.dirty = true;
    }
    this.schedule();
  }

  /** Several times a second: ages go on, and a server that is silent leaves nothing that looks like now. */
  freshen({ state }) {
    if (!this.root.isConnected) return;
    const stale = String(state !== "fresh" && this.rows.size > 0);
    if (stale !== this.root.dataset.stale) this.root.dataset.stale = stale;
    this.count();
    this.order.sort(this.rows);
  }

  count() {
    for (const row of this.rows.values()) row.count(this.moments, this.clock);
  }

  /** Somebody chose another order. */
  ordered(by) {
    this.root.dataset.sort = by || "list";
    this.order.sort(this.rows, true);
    this.report("sort", by);
  }

  // ---- keyboard: one tab stop for the rows, and one for the button of the row that has it ----

  rowLinks() {
    return [...this.body.querySelectorAll("a.wl-value")];
  }

  stopAt(target) {
    if (!target) return;
    for (const { link, remove, node } of this.rows.values()) link.tabIndex = remove.tabIndex = node === target ? 0 : -1;
  }

  move(event) {
    const nodes = [...this.body.children];
    const from = nodes.indexOf(document.activeElement?.closest(".wl-row"));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    const place = { Home: 0, End: nodes.length - 1 }[event.key] ?? from + step;
    if (from < 0 || place === from || !nodes[place]) return;
    event.preventDefault();
    nodes[place].querySelector("a.wl-value").focus();
  }

  destroy() {
    freshness.followers.delete(this);
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
    this.channel?.remove(this);
    this.toasts.destroy();
    this.root.remove();
  }
}
