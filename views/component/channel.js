// One WebSocket for all figures of a page. It finds its way back by itself, and says so when it cannot.

import { freshness } from "./freshness.js";

const PATIENCE_MS = 3000; // without the channel for so long, the page carries the messages
const BEAT_MS = 5000;
const SILENCE_MS = 12_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
const UNKNOWN_RETRY_MS = 500;
const CLOCK_READINGS = 8;
const GOOD_READING_MS = 150; // a page that is still starting answers late, and half of that would be the clock's error
const NEXT_READING_MS = 500;

let shared = null;

/** The channel of this page; the newest ticket opens it. */
export function channelAt(home, ticket) {
  shared ??= new Channel(home);
  shared.ticket = ticket;
  return shared;
}

/**
 * A listener has: topic, held() -> {figure, seq}, apply(message), wayChanged(state) and, for alerts, note(note).
 * The state is "connecting", "open", "reconnecting", "page" or "off".
 */
class Channel {
  constructor(home) {
    this.home = home;
    this.listeners = new Set();
    this.state = "connecting";
    this.socket = null;
    this.retryMs = FIRST_RETRY_MS;
    this.clock = [];
    this.heardAt = 0;
    this.patience = null;
    this.beat = setInterval(() => this.keepAlive(), BEAT_MS);
  }

  get way() {
    return this.state === "page" || this.state === "off" ? "page" : "channel";
  }

  add(listener) {
    this.listeners.add(listener);
    if (this.ticket === null) this.become("off");
    else if (this.socket === null) this.connect();
    else if (this.state === "open") this.subscribe(listener);
  }

  remove(listener) {
    this.listeners.delete(listener);
    const others = [...this.listeners].some((other) => other.topic === listener.topic);
    if (!others) this.send({ unsubscribe: listener.topic });
  }

  subscribe(listener) {
    this.send({ subscribe: listener.topic, ...listener.held() });
  }

  send(request) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  connect() {
    this.wait();
    const url = new URL(`live?ticket=${encodeURIComponent(this.ticket)}`, this.home);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.opened();
    socket.onmessage = ({ data }) => this.heard(data);
    socket.onclose = () => this.closed(socket);
    this.socket = socket;
  }

  /** Begin to count how long the page has been without the channel. */
  wait() {
    this.patience ??= setTimeout(() => this.become("page"), PATIENCE_MS);
  }

  opened() {
    clearTimeout(this.patience);
    this.patience = null;
    this.heardAt = performance.now();
    this.clock = [];
    this.keepAlive();
    for (const listener of this.listeners) this.subscribe(listener);
    this.become("open");
  }

  closed(socket) {
    if (socket !== this.socket) return;
    if (this.state === "open") {
      this.retryMs = FIRST_RETRY_MS;
      this.become("reconnecting");
      this.wait();
    }
    // Fifty pages that lost the same server do not come back in the same moment.
    setTimeout(() => this.connect(), this.retryMs * (0.5 + Math.random()));
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener.wayChanged(state);
  }

  keepAlive() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const silent = performance.now() - this.heardAt > SILENCE_MS;
    if (silent && !document.hidden) this.giveUp();
    else this.send({ ping: performance.now() });
  }

  /** A peer that has gone does not answer a goodbye either: nobody waits for it. */
  giveUp() {
    const { socket } = this;
    socket.onclose = socket.onmessage = null;
    socket.close();
    this.closed(socket);
  }

  heard(data) {
    this.heardAt = performance.now();
    const message = JSON.parse(new TextDecoder().decode(data));
    if ("sent" in message) freshness.hearMessage(message, false);
    else freshness.hear();
    if ("pong" in message) return this.setClock(message);
    if ("note" in message) return this.listeners.forEach((listener) => listener.note?.(message.note));
    const followers = [...this.listeners].filter((listener) => listener.topic === message.topic);
    if ("refused" in message) return setTimeout(() => this.again(message.topic), UNKNOWN_RETRY_MS);
    return followers.forEach((listener) => listener.apply(message));
  }

  /** A server that has just started learns of a topic when the page has run. */
  again(topic) {
    for (const listener of this.listeners) if (listener.topic === topic) this.subscribe(listener);
  }

  setClock({ pong, now }) {
    const back = performance.now();
    const middle = performance.timeOrigin + (pong + back) / 2;
    this.clock = [...this.clock, { took: back - pong, ahead: now - middle }].slice(-CLOCK_READINGS);
    if (!this.isClockKnown) setTimeout(() => this.keepAlive(), NEXT_READING_MS);
  }

  get isClockKnown() {
    return this.clock.length === CLOCK_READINGS || this.clock.some(({ took }) => took < GOOD_READING_MS);
  }

  /** The server's time, ms UTC, from the reading that travelled fastest; null while there is none to trust. */
  serverTime(moment = performance.now()) {
    if (!this.isClockKnown) return null;
    const best = this.clock.reduce((one, other) => (other.took < one.took ? other : one));
    return performance.timeOrigin + moment + best.ahead;
  }
}
