// A chart of one or two lines over time, drawn as SVG at the size it has.

import { clock, element, shape } from "./format.js";

const LEFT = 58;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

/** The next round number: 1, 2, 2.5 or 5 times a power; of 1024 where bytes are shown. */
function ceiling(most, base) {
  if (!(most > 0)) return 1;
  const unit = base ** Math.floor(Math.log(most) / Math.log(base));
  const steps = base === 1024 ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 2.5, 5, 10];
  const step = steps.find((step) => step * unit >= most * 0.9999);
  return (step ?? base) * unit;
}

export class Chart {
  /** `lines`: {name, color: "first" | "second", value: point => number}; `show` makes text of a number, `mark` for the side. */
  constructor(title, lines, show, { base = 10, least = 0, mark = show } = {}) {
    Object.assign(this, { title, lines, show, base, least, mark });
    this.points = [];
    this.at = null;
    this.svg = shape("svg", { class: "chart", role: "img", tabindex: "0" });
    this.values = lines.map(() => element("b"));
    const legend = lines.map((line, number) =>
      element("span", {}, element("i", { class: line.color }), line.name + " ", this.values[number]));
    this.time = element("span", { class: "quiet" });
    this.figure = element("figure", {},
      element("figcaption", {}, element("span", {}, element("strong", {}, title), " ", this.time),
        element("span", { class: "legend" }, ...legend)),
      this.svg);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  set(points, from, to) {
    Object.assign(this, { points, from, to });
    this.draw();
  }

  choose(at) {
    this.at = at;
    this.draw();
  }

  point(event) {
    const { left, width } = this.svg.getBoundingClientRect();
    const inner = width - LEFT - RIGHT;
    const time = this.from + ((event.clientX - left - LEFT) / inner) * (this.to - this.from);
    const inside = time >= this.from && time <= this.to;
    this.choose(inside ? this.nearest(time) : null);
  }

  nearest(time) {
    const closer = (best, point) => (Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best);
    return this.points.length > 0 ? this.points.reduce(closer).time : null;
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (step === undefined || this.points.length === 0) return;
    event.preventDefault();
    const last = this.points.length - 1;
    const now = this.at === null ? last : this.points.findIndex((point) => point.time === this.nearest(this.at));
    this.choose(this.points[Math.min(last, Math.max(0, now + step))].time);
  }

  draw() {
    const width = this.svg.clientWidth;
    const height = this.svg.clientHeight;
    if (width < 80 || this.to === undefined) return;
    const most = Math.max(this.least, ...this.points.flatMap((point) => this.lines.map((line) => line.value(point) || 0)));
    const top = ceiling(most, this.base);
    const x = (time) => LEFT + ((time - this.from) / (this.to - this.from)) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - value / top) * (height - TOP - BOTTOM);
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const level = y(top * share);
      parts.push(shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: level, y2: level }));
      parts.push(shape("text", { x: LEFT - 7, y: level + 4, "text-anchor": "end" }, this.mark(top * share)));
    }
    for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
      const time = this.from + (this.to - this.from) * share;
      parts.push(shape("text", { x: x(time), y: height - 5, "text-anchor": anchor }, clock(time)));
    }
    this.lines.forEach((line, number) => {
      const known = this.points.filter((point) => Number.isFinite(line.value(point)));
      if (known.length === 0) return;
      const path = known
        .map((point, at) => `${at ? "L" : "M"}${x(point.time).toFixed(1)} ${y(line.value(point)).toFixed(1)}`)
        .join("");
      if (number === 0) {
        const ground = `L${x(known.at(-1).time).toFixed(1)} ${y(0)}L${x(known[0].time).toFixed(1)} ${y(0)}Z`;
        parts.push(shape("path", { class: "area", d: path + ground }));
      }
      parts.push(shape("path", { class: line.color, d: path }));
    });
    const shown = this.shown();
    if (this.at !== null && shown) {
      parts.push(shape("line", { class: "cross", x1: x(shown.time), x2: x(shown.time), y1: TOP, y2: height - BOTTOM }));
      for (const line of this.lines) {
        const value = line.value(shown);
        if (Number.isFinite(value)) {
          parts.push(shape("circle", { class: line.color, cx: x(shown.time), cy: y(value), r: 3.5 }));
        }
      }
    }
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
    this.tell(shown);
  }

  shown() {
    const wanted = this.at === null ? null : this.nearest(this.at);
    return wanted === null ? this.points.at(-1) : this.points.find((point) => point.time === wanted);
  }

  tell(shown) {
    const texts = this.lines.map((line) => (shown ? this.show(line.value(shown)) : "–"));
    this.values.forEach((value, number) => { value.textContent = texts[number]; });
    this.time.textContent = this.at !== null && shown ? clock(shown.time) : "";
    const said = this.lines.map((line, number) => `${line.name} ${texts[number]}`).join(", ");
    this.svg.setAttribute("aria-label", `${this.title}: ${said}`);
  }
}
