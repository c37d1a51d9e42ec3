// The line above every page: how the feed is, and the paper runs that are trading. Text nodes only.

import { channelAt } from "./channel.js";
import { ageText, Clock, freshness, STALE_WORDS } from "./freshness.js";
import { foldNavigation } from "./navigation.js";

const SIGNS = { long: "▲", short: "▼" };

const strips = new WeakMap();
let styles = null;

function loadStyles() {
  styles ??= new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("./status_strip.css", import.meta.url).href;
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
  return styles;
}

/** Called by Streamlit for every message and every change of theme. */
export async function receive(component, { home }) {
  await loadStyles();
  const { parentElement: parent, data, setStateValue } = component;
  if (!strips.has(parent)) strips.set(parent, new Strip(parent));
  const strip = strips.get(parent);
  strip.report = setStateValue;
  if (data) strip.receive(JSON.parse(new TextDecoder().decode(data)), home);
  return () => setTimeout(() => strip.root.isConnected || (strip.destroy(), strips.delete(parent)));
}

function element(tag, className, parent, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  parent.append(node);
  return node;
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class Strip {
  constructor(parent) {
    this.root = element("div", "ss-root", parent);
    this.root.dataset.testid = "status-bar";
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Feed and paper runs");
    this.feed = element("div", "ss-feed", this.root);
    this.sign = element("span", "ss-sign", this.feed);
    this.sign.setAttribute("aria-hidden", "true");
    this.state = element("strong", "ss-state", this.feed);
    this.age = element("span", "ss-age", this.feed);
    this.venue = element("span", "ss-venue", this.feed);
    this.runs = element("ul", "ss-runs", this.root);
    this.runs.setAttribute("aria-label", "Paper runs");
    this.spoken = element("div", "ss-spoken", this.root); // once a change: the line itself counts
    this.spoken.setAttribute("role", "status");
    this.list = [];
    this.pills = new Map();
    this.topic = this.channel = this.clock = null;
    this.hold = { figure: null, seq: -1 };
    this.toldOf = {};
    this.said = "";
    freshness.followers.add(this);
    this.navigation = foldNavigation();
  }

  receive({ topic, ticket, message }, home) {
    this.channel = channelAt(home, ticket);
    if (message) freshness.hearMessage(message, this.channel.way === "page");
    const isNew = this.topic !== topic;
    if (isNew && this.topic !== null) this.channel.remove(this);
    this.topic = topic;
    if (message) this.apply(message);
    if (isNew) this.channel.add(this);
    this.wayChanged(this.channel.state);
  }

  held() {
    const { figure, seq } = this.hold;
    return figure === null ? {} : { figure, seq };
  }

  wayChanged(state) {
    this.root.dataset.way = state;
    if (state !== "connecting" && state !== "off") this.tell("way", this.channel.way);
  }

  apply({ topic, figure, seq, base, cards, patch, clock, sent }) {
    if (topic !== this.topic) return;
    const same = figure === this.hold.figure;
    if (same && seq <= this.hold.seq && !(sent > this.sentAt)) return;
    if (!same && !base) return void this.channel.subscribe(this);
    this.hold = { figure, seq };
    this.sentAt = sent;
    if (clock) this.clock = new Clock(clock);
    if (cards) this.list = cards;
    else if (patch) {
      const news = new Map(patch.map((card) => [card.id, card]));
      this.list = this.list.map((card) => ({ ...card, ...news.get(card.id) }));
    }
    this.tell("have", figure);
    this.show();
  }

  show() {
    const feed = this.list.find(({ id }) => id === "feed");
    if (!feed) return;
    this.news = feed;
    const at = feed.at ? Number(feed.at) : null;
    freshness.tellFeed({ carries: feed.late !== "cut", at, limitMs: Number(feed.limit), clock: this.clock });
    const runs = this.list.filter(({ id }) => id !== "feed");
    const ids = new Set(runs.map(({ id }) => id));
    for (const [id, pill] of this.pills) if (!ids.has(id)) (pill.item.remove(), this.pills.delete(id));
    for (const [place, run] of runs.entries()) {
      if (!this.pills.has(run.id)) this.pills.set(run.id, this.pill(run));
      const { item, link, sign, name, profit } = this.pills.get(run.id);
      if (this.runs.children[place] !== item) this.runs.insertBefore(item, this.runs.children[place] ?? null);
      link.dataset.tone = run.tone;
      link.title = run.title;
      set(sign, SIGNS[run.tone] ?? "");
      set(name, run.label);
      set(profit, `${run.sub} ${run.value}`);
    }
    this.runs.hidden = runs.length === 0;
    this.freshen(freshness.last);
  }

  pill({ id }) {
    const item = element("li", "ss-run", this.runs);
    const link = element("button", "ss-link", item);
    link.type = "button";
    link.dataset.testid = id;
    link.addEventListener("click", () => this.report("open", `${id.replace(/^run-/, "")} ${Date.now()}`));
    const sign = element("span", "ss-sign", link);
    sign.setAttribute("aria-hidden", "true");
    const [name, profit] = ["ss-name", "ss-profit"].map((name) => element("span", name, link));
    return { item, link, sign, name, profit };
  }

  /** Told several times a second whether what stands here is of now. */
  freshen({ state, since }) {
    if (!this.news) return;
    this.root.dataset.fresh = state;
    const stale = state !== "fresh";
    const tone = stale ? "warn" : this.news.tone;
    this.root.dataset.tone = tone;
    set(this.sign, tone === "ok" ? "✓" : "●");
    set(this.state, stale ? `Feed ${STALE_WORDS[state](since)} UTC` : this.news.value);
    set(this.venue, this.news.label);
    this.feed.title = this.news.title;
    const ms = state === "lost" ? freshness.silentMs : this.news.at && this.clock?.age(Number(this.news.at));
    set(this.age, typeof ms === "number" ? `${ms < 10_000 ? `${Math.floor(ms / 1000)} s` : ageText(ms)} ago` : "");
    const said = stale ? this.state.textContent : `${this.news.value}, ${this.news.label}`;
    if (said !== this.said) {
      if (this.said) set(this.spoken, said);
      this.said = said;
    }
  }

  tell(name, value) {
    if (name in this.toldOf && this.toldOf[name] === value) return;
    this.toldOf[name] = value;
    this.report(name, value);
  }

  destroy() {
    freshness.followers.delete(this);
    this.channel?.remove(this);
    this.navigation.abort();
    this.root.remove();
  }
}
