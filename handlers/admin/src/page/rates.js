// What passes in a second, from two looks at what has passed.

/** Closer together, two looks say nothing. */
const SHORTEST_SECONDS = 0.2;

export class Rates {
  /** `key` tells the rows apart. */
  constructor(key) {
    this.key = key;
    this.before = new Map();
  }

  /** The rows of an answer, each with `rates`: what has passed since it was last seen. */
  of(now, rows) {
    const time = Date.parse(now);
    const seen = new Map();
    const rated = rows.map((row) => {
      const last = this.before.get(this.key(row));
      const seconds = last ? (time - last.time) / 1000 : NaN;
      const rate = (field) => (seconds > 0 ? Math.max(0, row[field] - last.row[field]) / seconds : NaN);
      const isNew = seconds > SHORTEST_SECONDS || !last;
      const rates = isNew
        ? { in: rate("in_msgs"), out: rate("out_msgs"), inBytes: rate("in_bytes"), outBytes: rate("out_bytes") }
        : last.rates;
      seen.set(this.key(row), isNew ? { time, row, rates } : last);
      return { ...row, rates };
    });
    this.before = seen;
    return rated;
  }
}
