// Whether what stands on a page is as of now: one answer for everything on it, counted in the browser. A server that
// has gone cannot say so itself.

const LOOK_MS = 200;
const SILENCE_MS = 2000;
const PAGE_SILENCE_MS = 3000; // where the page carries the messages, they come once a second
const WAKING_MS = 700; // a tab that comes back first reads what arrived while nobody looked

class Freshness {
  constructor() {
    this.followers = new Set();
    this.heard = null; // when, by both clocks: one may stand still while a machine sleeps
    this.sent = 0;
    this.ahead = 0; // server's clock less ours, ms
    this.byPage = false;
    this.beats = false; // whether something on the page comes once a second at least
    this.feed = null;
    this.wokeAt = -Infinity;
    this.last = { state: "fresh", since: null };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.wokeAt = performance.now();
    });
    setInterval(() => this.look(), LOOK_MS);
  }

  /** Something came from the server, just now. */
  hear() {
    this.heard = { running: performance.now(), wall: Date.now() };
    if (this.last.state === "lost") this.look();
  }

  /** A message that may come again, as with a change of theme: only a newer one is a sign of life. */
  hearMessage({ sent }, byPage) {
    if (!(sent > this.sent)) return;
    this.sent = sent;
    this.byPage = byPage;
    this.ahead = sent - Date.now();
    this.hear();
  }

  /** How the feed is: {carries, clock, at, limit}; see "status_strip". */
  tellFeed(feed) {
    this.feed = feed;
    this.beats = true;
    this.look();
  }

  /** Since the server was heard, ms. */
  get silentMs() {
    if (!this.heard) return 0;
    return Math.max(performance.now() - this.heard.running, Date.now() - this.heard.wall, 0);
  }

  look() {
    const now = performance.now();
    if (document.hidden || now - this.wokeAt < WAKING_MS) return;
    this.last = this.judge();
    for (const follower of this.followers) follower.freshen(this.last);
  }

  judge() {
    const { silentMs } = this;
    const limit = this.byPage ? PAGE_SILENCE_MS : SILENCE_MS;
    if (this.beats && silentMs > limit) return { state: "lost", since: Date.now() + this.ahead - silentMs };
    if (!this.feed) return { state: "fresh", since: null };
    const { carries, at, limitMs, clock } = this.feed;
    if (at === null || !clock) return { state: "fresh", since: null };
    if (!carries) return { state: "cut", since: at };
    return clock.age(at) > limitMs ? { state: "silent", since: at } : { state: "fresh", since: null };
  }
}

export const freshness = new Freshness();

/** The time that the data live in, read with a message and counted on since. */
export class Clock {
  constructor({ now, pace }) {
    this.now = now;
    this.pace = pace;
    this.readAt = performance.now();
    this.readWall = Date.now();
  }

  /** Age of a moment of the data, ms. */
  age(at) {
    const since = Math.max(performance.now() - this.readAt, Date.now() - this.readWall, 0);
    return Math.max(0, this.now + since * this.pace - at);
  }
}

/** An age in at most five characters and its unit; the same words as the server's. */
export function ageText(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(0)} h`;
}

/** The zone that times are shown in: the address has it. What no browser knows is UTC, as it is for the page. */
function zone() {
  const chosen = new URLSearchParams(location.search).get("tz") ?? "UTC";
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: chosen }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}

export const timeText = (ms) =>
  new Intl.DateTimeFormat("en-GB", { timeZone: zone(), timeStyle: "medium" }).format(new Date(ms));

/** "UTC", or "New York time". */
export function zoneText() {
  const name = zone();
  return name === "UTC" ? name : `${name.split("/").at(-1).replaceAll("_", " ")} time`;
}

export const STALE_WORDS = {
  lost: (since) => `lost since ${timeText(since)}`,
  cut: (since) => `lost since ${timeText(since)}`,
  silent: (since) => `silent since ${timeText(since)}`,
};
