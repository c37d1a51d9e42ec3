// Ages that go on counting in the browser, and the time since the server was heard. No answer, no count on its part.

const LOOK_MS = 200;
const STALE_MS = 2000;

const beats = new WeakMap();

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function age(ms) {
  if (ms === null) return "–";
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s` : `${(s / 3600).toFixed(1)} h`;
}

class Beat {
  constructor(place) {
    this.root = element("div", "pulse", place);
    this.root.dataset.testid = "pulse";
    this.said = element("div", "pulse-server", this.root);
    this.spoken = element("div", "pulse-spoken", this.root); // once a change, where the line above changes every second
    this.spoken.setAttribute("role", "status");
    this.list = element("dl", "pulse-ages", this.root);
    this.values = new Map();
    this.timer = setInterval(() => this.count(), LOOK_MS);
  }

  /** News from the server: its time, and how old each thing was then. */
  hear(news) {
    this.heardAt = performance.now();
    this.news = news;
    const names = new Set(news.ages.map(({ name }) => name));
    for (const [name, { pair }] of this.values) if (!names.has(name)) (pair.remove(), this.values.delete(name));
    for (const { name } of news.ages) {
      if (this.values.has(name)) continue;
      const pair = element("div", "pulse-age", this.list);
      element("dt", "", pair).textContent = name;
      this.values.set(name, { pair, value: element("dd", "", pair) });
    }
    this.count();
  }

  count() {
    if (!this.root.isConnected) return clearInterval(this.timer);
    const silent = performance.now() - this.heardAt;
    const stale = silent > STALE_MS;
    if (stale !== this.root.classList.contains("stale")) {
      this.root.classList.toggle("stale", stale);
      this.spoken.textContent = stale ? "The server does not answer." : "The server answers again.";
    }
    const words = stale
      ? `● The server has not answered for ${age(silent)}. What stands here is as of ${this.news.at}.`
      : `✓ The server answers. As of ${this.news.at}.`;
    if (this.said.textContent !== words) this.said.textContent = words;
    for (const { name, ms } of this.news.ages) {
      this.values.get(name).value.textContent = age(ms === null ? null : ms + silent * this.news.pace);
    }
    return undefined;
  }
}

export default function ({ parentElement, data }) {
  if (!beats.has(parentElement)) beats.set(parentElement, new Beat(parentElement));
  beats.get(parentElement).hear(data);
}
