// The numbered rows a figure shows, column by column.

/** Plotly reads a date given as a number in the browser's time zone, and a string without a zone as UTC. */
export const utc = (milliseconds) => new Date(milliseconds).toISOString().slice(0, -1);

/** Times as the clocks of the chosen zone show them: from each moment of `offsets` on, so many ms ahead of UTC. */
function decode(columns, offsets) {
  const ahead = (at) => (offsets.findLast(([from]) => from <= at) ?? offsets[0])[1];
  const ms = offsets.length ? columns.time.map((at) => at + ahead(at)) : columns.time;
  return { ...columns, ms, time: ms.map(utc) };
}

export class Rows {
  /** @param {{from_row: number, columns: Object<string, Array>, layout: object}} base */
  constructor(base) {
    this.first = base.from_row;
    this.offsets = base.layout?.meta?.offsets ?? [];
    this.columns = decode(base.columns, this.offsets);
    this.changedFrom = Math.max(this.first, this.end - 1);
  }

  get length() {
    return this.columns.time.length;
  }

  get end() {
    return this.first + this.length;
  }

  /**
   * Replace everything from delta.from_row on; let rows before delta.first_row go. A column that is left out is
   * undefined in the rows that came.
   * @returns {boolean} false, and nothing is changed, when rows between are missing.
   */
  apply(delta) {
    if (delta.from_row > this.end) return false;
    const begin = Math.min(this.first, delta.from_row);
    const keep = delta.from_row - begin;
    const drop = Math.max(0, delta.first_row - begin);
    const fresh = decode(delta.columns, this.offsets);
    const unknown = fresh.time.map(() => null);
    for (const [name, values] of Object.entries(this.columns)) {
      values.length = keep;
      for (const value of fresh[name] ?? unknown) values.push(value);
      values.splice(0, drop);
    }
    this.first = begin + drop;
    this.changedFrom = Math.max(this.first, delta.from_row);
    return true;
  }

  /** Newest value of a column; null where it is undefined. */
  last(name) {
    return this.columns[name].at(-1) ?? null;
  }
}
