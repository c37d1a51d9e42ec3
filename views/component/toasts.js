// Alerts as they come: a stack in the corner, and a sound for who wants one. Text nodes only: data never becomes markup.

import { timeText, zoneText } from "./freshness.js";

const MOST = 4;
const STAYS_MS = 12_000;
const MOST_SEEN = 500;
const QUIET_MS = 1_000; // between two sounds, however many alerts come at once
const SOUND_KEY = "alphastream.sound";
const TONES_HZ = [660, 880];
const TONE_S = 0.12;
const LOUDNESS = 0.08;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const seen = new Set(); // ids, whoever showed them: a note may come again after a reconnect
let styles = false;

function loadStyles() {
  if (styles) return;
  styles = true;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./toasts.css", import.meta.url).href;
  document.head.append(link);
}

function element(tag, className, parent, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  parent.append(node);
  return node;
}

/** Two short tones. Browsers keep silent until the person has touched the page once. */
class Sound {
  constructor() {
    this.context = null;
    this.last = -QUIET_MS;
    try {
      this.on = localStorage.getItem(SOUND_KEY) === "on";
    } catch {
      this.on = false; // storage may be forbidden
    }
    this.unlock = () => this.on && this.wake();
    document.addEventListener("pointerdown", this.unlock);
    document.addEventListener("keydown", this.unlock);
  }

  set(on) {
    this.on = on;
    try {
      localStorage.setItem(SOUND_KEY, on ? "on" : "off");
    } catch {
      // it holds until the page is left
    }
    if (on) this.play();
  }

  wake() {
    try {
      this.context ??= new AudioContext();
      if (this.context.state === "suspended") this.context.resume().catch(() => {}); // refused: stays silent
    } catch {
      return null; // no audio on this machine
    }
    return this.context;
  }

  play() {
    const now = performance.now();
    if (!this.on || now - this.last < QUIET_MS) return;
    const context = this.wake();
    if (context?.state !== "running") return;
    this.last = now;
    TONES_HZ.forEach((hertz, place) => {
      const start = context.currentTime + place * TONE_S;
      const gain = context.createGain();
      gain.gain.setValueAtTime(LOUDNESS, start);
      gain.gain.exponentialRampToValueAtTime(0.001, start + TONE_S);
      gain.connect(context.destination);
      const tone = context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(gain);
      tone.start(start);
      tone.stop(start + TONE_S);
    });
  }

  destroy() {
    document.removeEventListener("pointerdown", this.unlock);
    document.removeEventListener("keydown", this.unlock);
    this.context?.close().catch(() => {});
  }
}

class Toast {
  constructor(note, list, onGone) {
    this.onGone = onGone;
    this.node = element("div", "toast", list);
    this.node.dataset.testid = "toast";
    this.node.dataset.tone = note.tone ?? "neutral";
    const head = element("div", "toast-head", this.node);
    element("strong", "toast-title", head, note.title);
    const moment = new Date(note.time_ms).toISOString();
    element("time", "toast-time", head, `${timeText(note.time_ms)} ${zoneText()}`).dateTime = moment;
    const close = element("button", "toast-close", head, "×");
    close.type = "button";
    close.setAttribute("aria-label", `Close: ${note.title}`);
    close.addEventListener("click", () => this.remove());
    element("div", "toast-text", this.node, note.text);
    this.node.addEventListener("keydown", (event) => event.key === "Escape" && this.remove());
    for (const name of ["mouseleave", "focusout"]) this.node.addEventListener(name, () => this.arm());
    if (!calm.matches && !document.hidden) {
      const from = { opacity: 0, transform: "translateY(0.5rem)" };
      this.node.animate([from, {}], { duration: 150, easing: "ease-out" });
    }
    this.arm();
  }

  /** Goes after a while, but not while somebody reads it, nor while nobody can. */
  arm() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isHeld() ? this.arm() : this.remove()), STAYS_MS);
  }

  isHeld() {
    return document.hidden || this.node.matches(":hover, :focus-within");
  }

  remove() {
    clearTimeout(this.timer);
    this.node.remove();
    this.onGone(this);
  }
}

export class Toasts {
  /**
   * @param {HTMLElement} root below which Streamlit's colours hold; the stack lies over the page's corner.
   * @param {HTMLElement} [place] of the button, which stays on a page and must cover nothing there.
   */
  constructor(root, place) {
    loadStyles();
    this.sound = new Sound();
    this.shown = [];
    this.node = element("div", "toasts", root);
    this.list = element("div", "toasts-list", this.node);
    this.list.dataset.testid = "toasts";
    this.list.setAttribute("role", "status");
    this.list.setAttribute("aria-live", "polite");
    this.list.setAttribute("aria-relevant", "additions");
    this.button = element("button", "toasts-sound", place ?? this.node);
    this.button.type = "button";
    this.button.addEventListener("click", () => {
      this.sound.set(!this.sound.on);
      this.label();
    });
    this.label();
  }

  label() {
    this.button.textContent = this.sound.on ? "♪ Sound on" : "♪ Sound off";
    this.button.setAttribute("aria-pressed", String(this.sound.on));
    this.button.title = "Two short tones when an alert comes";
  }

  /** Show {"id", "time_ms", "title", "text", "tone"}; one that was shown before is skipped. */
  show(note) {
    if (seen.has(note.id)) return;
    seen.add(note.id);
    if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value);
    while (this.shown.length >= MOST) this.shown[0].remove();
    this.shown.push(new Toast(note, this.list, (gone) => (this.shown = this.shown.filter((other) => other !== gone))));
    this.sound.play();
  }

  destroy() {
    for (const toast of [...this.shown]) toast.remove();
    this.sound.destroy();
    this.button.remove();
    this.node.remove();
  }
}
