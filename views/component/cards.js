// The numbers above the chart and the list of what speaks for trading. Text nodes only: data never becomes markup.

import { ageText, timeText, zoneText } from "./freshness.js";

const TONES = {
  neutral: { sign: "", word: "" },
  flat: { sign: "–", word: "" },
  long: { sign: "▲", word: "long" },
  short: { sign: "▼", word: "short" },
  ok: { sign: "✓", word: "fine" },
  warn: { sign: "●", word: "attention" },
};
const READY_WORDS = { ok: "met", warn: "not met", flat: "unknown" };
const CHANGED_MS = 500;
const LEAVE_MS = 150; // time for the pointer to reach the help text it opened
const ANNOUNCED = "signal";
const LEAD = new Set(["signal", "result", "zscore"]); // on a phone they stand above the chart, the others below it
const PHONE = matchMedia("(max-width: 640px), (max-height: 480px)"); // as in the style sheets
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let numbered = 0;

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

class Card {
  constructor(id, list, isCheck) {
    this.item = element("li", "lf-item", list);
    this.node = element("div", "lf-card", this.item);
    this.node.dataset.testid = `card-${id}`;
    this.node.setAttribute("role", "group");
    this.node.tabIndex = -1;
    const head = element("div", "lf-head", this.node);
    this.label = element("div", "lf-label", head);
    this.age = element("div", "lf-age", head); // only while it is not of now
    const line = element("div", "lf-line", this.node);
    this.sign = element("span", "lf-sign", line);
    this.sign.setAttribute("aria-hidden", "true");
    this.value = element("span", "lf-value", line);
    this.sub = element("div", "lf-sub", this.node);
    this.help = element("div", "lf-help", this.node);
    this.help.id = `lf-help-${++numbered}`;
    this.help.hidden = true; // referred to by aria-describedby; the bubble shows the same text
    this.isCheck = isCheck;
    this.shown = "";
  }

  show(card, now) {
    this.card = card;
    this.render(now);
  }

  /** What a card says at this moment: what is old does not say it is fresh, whoever has fallen silent. */
  render(now) {
    const card = asOf(this.card, now);
    const next = JSON.stringify(card);
    if (next === this.shown) return;
    const tone = TONES[card.tone] ?? TONES.neutral;
    const moved = this.shown !== "" && this.value.textContent !== card.value;
    this.shown = next;
    this.node.dataset.tone = card.tone;
    this.node.classList.toggle("lf-stale", Boolean(card.stale));
    set(this.age, card.age);
    const word = this.isCheck ? READY_WORDS[card.tone] : tone.word;
    const words = [`${card.label}: ${card.value || "loading"}`, card.stale, word, card.sub].filter(Boolean);
    this.spoken = words.join(", ");
    this.node.setAttribute("aria-label", this.spoken);
    set(this.label, card.label);
    set(this.sign, tone.sign);
    set(this.value, card.value);
    set(this.sub, card.sub);
    set(this.help, card.title);
    if (card.title) this.node.setAttribute("aria-describedby", this.help.id);
    else this.node.removeAttribute("aria-describedby");
    if (moved && !calm.matches && !document.hidden) this.tint();
  }

  tint() {
    const tint = "color-mix(in srgb, currentColor 10%, transparent)";
    this.node.animate([{ backgroundColor: tint }, {}], { duration: CHANGED_MS, easing: "ease-out" });
  }
}

/**
 * A card as it has to be shown now.
 * @param {{state: string, since: number, clock: object, silentMs: number}} now
 */
function asOf(card, { state, since, clock, silentMs }) {
  const ms = card.at && clock ? clock.age(Number(card.at)) : null;
  const isLate = ms !== null && card.limit && ms > Number(card.limit);
  const sub = (card.sub ?? "").replaceAll("{age}", ms === null ? "–" : ageText(ms));
  const shown = { ...card, sub, age: "", stale: "" };
  delete shown.at; // told in words; it alone would be no news
  if (isLate) Object.assign(shown, { value: card.late ?? card.value, tone: "warn" });
  if (state === "fresh") return shown;
  const isLost = state === "lost" || state === "cut";
  shown.value = isLost && card.lost ? card.lost : shown.value;
  shown.tone = card.tone === "neutral" ? "neutral" : card.lost ? "warn" : "flat"; // nobody can say now
  shown.stale = `${state === "silent" ? "no news" : "not of now: as"} of ${timeText(since)} ${zoneText()}`;
  shown.age = ageText(silentMs);
  return shown;
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** One list of cards and one tab stop: arrows, Home and End move within it. */
class List {
  constructor(node, isCheck) {
    this.node = node;
    this.isCheck = isCheck;
    this.cards = new Map();
    node.addEventListener("keydown", (event) => this.move(event));
    node.addEventListener("focusin", (event) => this.stopAt(event.target.closest(".lf-card")));
  }

  show(list, now) {
    const ids = new Set(list.map((card) => card.id));
    for (const [id, card] of this.cards) {
      if (ids.has(id)) continue;
      card.item.remove();
      this.cards.delete(id);
    }
    list.forEach((data, place) => {
      if (!this.cards.has(data.id)) this.cards.set(data.id, new Card(data.id, this.node, this.isCheck));
      const { item } = this.cards.get(data.id);
      if (this.node.children[place] !== item) this.node.insertBefore(item, this.node.children[place] ?? null);
      this.cards.get(data.id).show(data, now);
    });
    this.node.hidden = list.length === 0;
    const nodes = this.nodes();
    if (nodes.length && !nodes.some((node) => node.tabIndex === 0)) nodes[0].tabIndex = 0;
  }

  nodes() {
    return [...this.node.querySelectorAll(".lf-card")];
  }

  stopAt(target) {
    for (const node of this.nodes()) node.tabIndex = node === target ? 0 : -1;
  }

  move(event) {
    const nodes = this.nodes();
    const from = nodes.indexOf(document.activeElement);
    const place = { Home: 0, End: nodes.length - 1 }[event.key] ?? from + (STEPS[event.key] ?? 0);
    if (from < 0 || place === from || !nodes[place]) return;
    event.preventDefault();
    nodes[place].focus();
  }
}

/** What a card means, under it, for pointer, keyboard and touch alike. Escape closes it, the pointer may enter it. */
class Bubble {
  constructor(place) {
    this.place = place;
    this.node = element("div", "lf-bubble", place);
    this.node.setAttribute("aria-hidden", "true"); // a screen reader has the card's own description
    this.node.hidden = true;
    this.card = null;
    this.timer = null;
    const cardAt = (event) => event.target.closest?.(".lf-card") ?? (this.node.contains(event.target) ? this.card : null);
    place.addEventListener("pointerover", (event) => event.pointerType !== "touch" && this.enter(cardAt(event)));
    place.addEventListener("pointerleave", () => this.leave());
    place.addEventListener("focusin", (event) => this.open(cardAt(event)));
    place.addEventListener("focusout", () => this.close());
    place.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  enter(card) {
    clearTimeout(this.timer);
    if (!card) return this.leave();
    if (card !== this.card) this.timer = setTimeout(() => this.open(card), this.card ? LEAVE_MS : 2 * LEAVE_MS);
  }

  leave() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(), LEAVE_MS);
  }

  open(card) {
    const text = card?.querySelector(".lf-help").textContent;
    if (!text) return this.close();
    this.card = card;
    this.node.textContent = text;
    this.node.hidden = false;
    const [all, one] = [this.place.getBoundingClientRect(), card.getBoundingClientRect()];
    const left = Math.min(one.left - all.left, all.width - this.node.offsetWidth);
    this.node.style.left = `${Math.max(0, left)}px`;
    this.node.style.top = `${one.bottom - all.top}px`;
  }

  close() {
    clearTimeout(this.timer);
    this.card = null;
    this.node.hidden = true;
  }
}

export class Cards {
  /** @param {HTMLElement} place above the chart. @param {HTMLElement} below it. */
  constructor(place, below) {
    this.place = place;
    this.below = below;
    const list = (label, className, isCheck) => {
      const node = element("ul", className, place);
      node.setAttribute("role", "list");
      node.setAttribute("aria-label", label);
      node.hidden = true;
      return new List(node, isCheck);
    };
    this.lead = list("Signal", "lf-numbers lf-lead", false);
    this.numbers = list("Numbers of the pair", "lf-numbers", false);
    this.section = element("section", "lf-ready", place);
    this.section.hidden = true;
    const heading = element("h3", "lf-heading", this.section);
    heading.textContent = "Trade readiness";
    this.checks = list("Trade readiness", "lf-checks", true);
    this.section.append(this.checks.node);
    this.said = element("div", "lf-said", place);
    this.said.setAttribute("role", "status");
    this.bubbles = [place, below].map((each) => new Bubble(each));
    this.now = { state: "fresh", since: null, clock: null, silentMs: 0 };
    this.list = [];
    this.stop = new AbortController();
    PHONE.addEventListener("change", () => this.arrange(), { signal: this.stop.signal });
    this.arrange();
  }

  /** On a phone the chart comes before all but the first numbers. */
  arrange() {
    const home = PHONE.matches ? this.below : this.place;
    for (const node of [this.numbers.node, this.section]) home.insertBefore(node, home.querySelector(".lf-bubble, .lf-said"));
    this.show(this.list, this.now.clock);
  }

  /** Count ages on, and mark everything while the server or the feed has fallen silent. */
  freshen(now) {
    this.now = now;
    for (const list of this.lists) for (const card of list.cards.values()) card.render(now);
  }

  get lists() {
    return [this.lead, this.numbers, this.checks];
  }

  get announced() {
    return this.lead.cards.get(ANNOUNCED) ?? this.numbers.cards.get(ANNOUNCED);
  }

  show(list, clock) {
    this.list = list;
    this.now = { ...this.now, clock };
    const before = this.announced?.value.textContent;
    const leads = ({ id, group }) => PHONE.matches && group !== "ready" && LEAD.has(id);
    this.lead.show(list.filter(leads), this.now);
    this.numbers.show(
      list.filter((card) => card.group !== "ready" && !leads(card)),
      this.now,
    );
    this.checks.show(
      list.filter((card) => card.group === "ready"),
      this.now,
    );
    this.section.hidden = this.checks.node.hidden;
    const signal = this.announced;
    // Said aloud: a position that opens or closes. Not the progress of a calibration or of the compiler, nor the numbers.
    const isNews = before && signal && before !== signal.value.textContent;
    if (isNews && !/^(Calibrating|Compiling)/.test(signal.value.textContent)) set(this.said, signal.spoken);
  }

  destroy() {
    this.stop.abort();
  }
}
