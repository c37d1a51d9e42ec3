// The row of numbers above the chart. Text nodes only: data never becomes markup.

const TONES = {
  neutral: { sign: "", word: "" },
  flat: { sign: "–", word: "flat" },
  long: { sign: "▲", word: "long" },
  short: { sign: "▼", word: "short" },
  ok: { sign: "✓", word: "fine" },
  warn: { sign: "●", word: "attention" },
};
const CHANGED_MS = 500;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

class Card {
  constructor(id, row) {
    this.node = element("div", "lf-card", row);
    this.node.dataset.testid = `card-${id}`;
    this.node.setAttribute("role", "group");
    this.label = element("div", "lf-label", this.node);
    const line = element("div", "lf-line", this.node);
    this.sign = element("span", "lf-sign", line);
    this.sign.setAttribute("aria-hidden", "true");
    this.value = element("span", "lf-value", line);
    this.sub = element("div", "lf-sub", this.node);
    this.shown = "";
  }

  show(card) {
    const next = JSON.stringify(card);
    if (next === this.shown) return;
    const tone = TONES[card.tone] ?? TONES.neutral;
    const moved = this.shown !== "" && this.value.textContent !== card.value;
    this.shown = next;
    this.node.dataset.tone = card.tone;
    this.node.title = card.title;
    const words = [`${card.label}: ${card.value}`, tone.word, card.sub].filter(Boolean);
    this.node.setAttribute("aria-label", words.join(", "));
    this.label.textContent = card.label;
    this.sign.textContent = tone.sign;
    this.value.textContent = card.value;
    this.sub.textContent = card.sub;
    if (moved && !calm.matches && !document.hidden) this.tint();
  }

  tint() {
    const tint = "color-mix(in srgb, currentColor 10%, transparent)";
    this.node.animate([{ backgroundColor: tint }, {}], { duration: CHANGED_MS, easing: "ease-out" });
  }
}

export class Cards {
  constructor(row) {
    this.row = row;
    this.cards = new Map();
  }

  show(list) {
    const ids = new Set(list.map((card) => card.id));
    for (const [id, card] of this.cards) {
      if (ids.has(id)) continue;
      card.node.remove();
      this.cards.delete(id);
    }
    list.forEach((data, place) => {
      if (!this.cards.has(data.id)) this.cards.set(data.id, new Card(data.id, this.row));
      const card = this.cards.get(data.id);
      if (this.row.children[place] !== card.node) this.row.insertBefore(card.node, this.row.children[place] ?? null);
      card.show(data);
    });
  }
}
