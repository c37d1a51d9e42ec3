// The entry: one View for each place on a page, fed with numbered messages, whoever brings them.

import { Cards } from "./cards.js";
import { channelAt } from "./channel.js";
import { Figure, loadPlotly } from "./figure.js";
import { Clock, freshness } from "./freshness.js";
import { afterPaint, Latency } from "./latency.js";
import { Preview } from "./preview.js";
import { Toasts } from "./toasts.js";
import { Rows } from "./rows.js";

const WAYS = {
  connecting: "Opening the direct channel",
  open: "Direct channel",
  reconnecting: "Connection lost, reconnecting",
  page: "Through the page: the direct channel does not open",
  off: "Through the page",
};

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
export async function receive(component, { plotly, home }) {
  await loadStyles();
  const { parentElement: parent, data, setStateValue } = component;
  if (!views.has(parent)) views.set(parent, new View(parent, plotly));
  const view = views.get(parent);
  view.report = setStateValue;
  if (data) view.receive(JSON.parse(new TextDecoder().decode(data)), home);
  view.figure?.restyle();
  // Streamlit also calls this when a newer message overtook the one before: gone is only what left the page.
  return () => setTimeout(() => view.root.isConnected || (view.destroy(), views.delete(parent)));
}

class View {
  constructor(parent, plotlyUrl) {
    this.root = document.createElement("div");
    this.root.className = "lf-root";
    this.root.dataset.testid = "live-figure";
    const part = (className, place = this.root) => {
      const node = document.createElement("div");
      node.className = className;
      place.append(node);
      return node;
    };
    const above = part("lf-cards");
    this.cardList = [];
    this.clock = null; // of the data
    this.notice = part("lf-notice");
    this.notice.setAttribute("role", "status");
    const stage = part("lf-stage");
    stage.style.position = "relative";
    this.plot = part("lf-plot lf-waiting", stage);
    this.plot.setAttribute("role", "figure");
    this.cards = new Cards(above, part("lf-cards lf-below"));
    const foot = part("lf-latency");
    this.wayText = part("lf-way", foot);
    this.wayText.setAttribute("role", "status");
    this.latency = new Latency(part("lf-hops", foot), (painted) => this.channel?.send({ painted }));
    parent.append(this.root);
    this.toasts = new Toasts(this.root, foot);
    this.preview = new Preview(this.plot);
    this.figure = null;
    this.gone = false;
    this.topic = null;
    this.channel = null;
    this.hold = { figure: null, seq: -1, rows: null, template: null };
    this.asked = false; // for a base, over the channel
    this.toldOf = {};
    this.unseen = [];
    freshness.followers.add(this);
    loadPlotly(plotlyUrl).then(
      (Plotly) => this.begin(Plotly),
      (error) => this.say(error.message),
    );
  }

  begin(Plotly) {
    if (this.gone) return;
    this.figure = new Figure(this.plot, Plotly, { drawn: () => this.drawn(), painted: () => this.painted() });
    if (this.hold.rows) this.figure.show(this.hold.template, this.hold.rows);
  }

  /** What the page sent: which topic to follow, the ticket for the channel, and perhaps a message. */
  receive({ topic, ticket, message }, home) {
    this.channel = channelAt(home, ticket);
    if (message) freshness.hearMessage(message, this.channel.way === "page");
    if (this.topic !== topic) {
      if (this.topic !== null) this.channel.remove(this);
      this.topic = topic;
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
    this.wayText.textContent = WAYS[state];
    if (state !== "connecting" && state !== "off") this.tell("way", this.channel.way);
  }

  note(note) {
    this.toasts.show(note);
  }

  /** Take a message: old ones are skipped, a gap is told and waits for the next base. */
  apply(message) {
    const { figure, seq, base, delta } = message;
    if (message.topic !== this.topic) return;
    const same = figure === this.hold.figure;
    if (same && (base ? seq < this.hold.seq : seq <= this.hold.seq)) return;
    const follows = same && this.hold.seq >= (message.after ?? seq - 1);
    if (!base && !follows) return this.miss();
    if (message.clock && !(message.sent <= this.clockSent)) {
      this.clock = new Clock(message.clock); // not that of a message which comes again
      this.clockSent = message.sent;
    }
    this.applyCards(message);
    if (base) this.takeBase(figure, base);
    else if (delta && !this.hold.rows.apply(delta)) return this.miss();
    this.hold.seq = seq;
    if (document.hidden) this.unseen = []; // nobody waits to see them
    else if (message.stamps) this.unseen.push(message.stamps);
    this.mark();
    this.tell("have", figure);
    this.tell("status", message.status);
    if (!this.figure) this.preview.show(this.hold.template, this.hold.rows);
    else if (base) this.figure.show(this.hold.template, this.hold.rows);
    else if (delta) this.figure.changed();
  }

  applyCards({ cards, patch }) {
    if (cards) this.cardList = cards;
    else if (patch) {
      const news = new Map(patch.map((card) => [card.id, card]));
      this.cardList = this.cardList.map((card) => ({ ...card, ...news.get(card.id) }));
    } else return;
    this.cards.show(this.cardList, this.clock);
  }

  /** Told several times a second whether what stands here is of now. */
  freshen({ state, since }) {
    const silentMs = state === "lost" || !this.clock ? freshness.silentMs : this.clock.age(since ?? 0);
    if (this.root.dataset.fresh !== state) this.root.dataset.fresh = state;
    this.cards.freshen({ state, since, clock: this.clock, silentMs });
  }

  takeBase(figure, base) {
    const template = { layout: base.layout, data: base.data };
    this.hold = { figure, seq: -1, rows: new Rows(base), template };
    this.asked = false;
    this.plot.style.minHeight = `${base.layout.height}px`;
    this.plot.setAttribute("aria-label", base.layout.meta.description);
  }

  /** Messages were lost: ask whoever carries them for everything, once however many are still on their way. */
  miss() {
    this.hold = { ...this.hold, figure: null };
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

  mark() {
    const { figure, seq, rows } = this.hold;
    Object.assign(this.root.dataset, { figure, seq, rows: rows.length });
  }

  drawn() {
    this.preview.remove();
    this.plot.classList.remove("lf-waiting");
    this.root.dataset.drawn = this.figure.drawn;
  }

  /** Rows are on the canvas: when the frame is done they are on the screen. */
  painted() {
    const { seq } = this.hold;
    const stamps = this.unseen;
    this.unseen = [];
    if (document.hidden || !stamps.length) return;
    afterPaint((moment) => {
      this.root.dataset.painted = seq;
      // Where the page carries the messages nobody reads the server's clock; then the browser's own has to do.
      const byPage = this.channel?.way !== "channel";
      const now = this.channel?.serverTime(moment) ?? (byPage ? performance.timeOrigin + moment : null);
      if (now === null) return;
      for (const stamp of stamps) {
        const first = this.latency.firstUnseen(stamp);
        this.latency.add(stamp, now);
        this.root.dispatchEvent(new CustomEvent("painted", { detail: { seq, now, ...stamp, first } }));
      }
    });
  }

  say(sentence) {
    this.preview.remove();
    this.plot.classList.remove("lf-waiting");
    this.notice.textContent = sentence;
  }

  destroy() {
    this.gone = true;
    freshness.followers.delete(this);
    this.channel?.remove(this);
    this.figure?.destroy();
    this.cards.destroy();
    this.toasts.destroy();
    this.root.remove();
  }
}
