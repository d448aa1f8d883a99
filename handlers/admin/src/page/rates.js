// What passes in a second, from two looks at what has passed.

/** Closer together, two looks say nothing. */
const SHORTEST_SECONDS = 0.2;

/** What connections and routes pass. */
const PASSED = {
  in: (row) => row.in_msgs, out: (row) => row.out_msgs, inBytes: (row) => row.in_bytes, outBytes: (row) => row.out_bytes,
};

export class Rates {
  /** `key` tells the rows apart, `passed` has what is looked at of each. */
  constructor(key, passed = PASSED) {
    this.key = key;
    this.passed = Object.entries(passed);
    this.before = new Map();
  }

  /** The rows of an answer of this time, in milliseconds, each with `rates`: what has passed since it was last seen. */
  of(time, rows) {
    const seen = new Map();
    const rated = rows.map((row) => {
      const last = this.before.get(this.key(row));
      const seconds = last ? (time - last.time) / 1000 : NaN;
      const rate = (of) => (seconds > 0 ? Math.max(0, of(row) - of(last.row)) / seconds : NaN);
      const isNew = seconds > SHORTEST_SECONDS || !last;
      const rates = isNew ? Object.fromEntries(this.passed.map(([name, of]) => [name, rate(of)])) : last.rates;
      seen.set(this.key(row), isNew ? { time, row, rates } : last);
      return { ...row, rates };
    });
    this.before = seen;
    return rated;
  }
}
