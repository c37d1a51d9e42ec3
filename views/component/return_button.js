// The way back to now: a button over the chart whenever what is shown does not follow the newest rows.

const isAxis = (name) => /^[xy]axis\d*$/.test(name);

/** Paths that give every axis back to the figure, as it was made. */
function asMade(made) {
  const paths = {};
  for (const [name, axis] of Object.entries(made).filter(([name]) => isAxis(name))) {
    if (axis.range) paths[`${name}.range`] = [...axis.range];
    else paths[`${name}.autorange`] = true;
  }
  return paths;
}

const sameRange = (one, other) => one.every((end, place) => Math.abs(end - other[place]) < 1e-9);

export class ReturnButton {
  /**
   * @param {HTMLElement} stage that holds the chart. @param {HTMLElement} node of the Plotly figure.
   * @param {object} Plotly @param {() => void} done after everything is shown again.
   */
  constructor(stage, node, Plotly, done) {
    Object.assign(this, { node, Plotly, done });
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "lf-return";
    this.button.dataset.testid = "back-to-now";
    this.button.textContent = "Back to now";
    this.button.title = "Show the whole again, and follow the newest rows";
    this.button.hidden = true;
    this.button.addEventListener("click", () => this.back());
    stage.append(this.button);
  }

  /** Look whether somebody moved an axis. @param {object} made the layout that the figure was made with. */
  look(made) {
    this.made = made;
    const { layout } = this.node;
    const moved = Object.entries(made).some(([name, axis]) => {
      if (!isAxis(name) || !layout?.[name]) return false;
      return axis.range ? !sameRange(layout[name].range, axis.range) : layout[name].autorange === false;
    });
    if (this.button.hidden === moved) this.button.hidden = !moved;
  }

  async back() {
    this.node.parentElement.focus?.();
    await this.Plotly.relayout(this.node, asMade(this.made));
    this.done();
  }

  remove() {
    this.button.remove();
  }
}
