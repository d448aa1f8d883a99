// Rates and their history.

import { Chart } from "./chart.js";
import { byId, bytes, bytesShortly, element, short, span, whole } from "./format.js";

/** The columns of a sample, as the server sends them. */
const COLUMNS = ["time", "messagesIn", "messagesOut", "bytesIn", "bytesOut", "connections", "subscriptions",
  "slowConsumers", "cpu", "memory"];

const KEPT_SECONDS = 900;

const tiles = [
  ["Messages in", (point) => short(point.messagesInRate), "/s"],
  ["Messages out", (point) => short(point.messagesOutRate), "/s"],
  ["Data in", (point) => bytes(point.bytesInRate), "/s"],
  ["Data out", (point) => bytes(point.bytesOutRate), "/s"],
  ["Connections", (point) => whole(point.connections), ""],
  ["Subscriptions", (point) => whole(point.subscriptions), ""],
  ["Slow consumers", (point) => whole(point.slowConsumers), "", (point) => point.slowConsumers > 0],
  ["CPU", (point) => (Number.isFinite(point.cpu) ? point.cpu.toFixed(0) : "–"), "%"],
  ["Memory", (point) => bytes(point.memory), ""],
];

export class Overview {
  constructor() {
    this.points = [];
    this.seconds = Number(localStorage.getItem("vagus.span") ?? 300);
    this.charts = [
      new Chart("Messages per second", [
        { name: "in", color: "first", value: (point) => point.messagesInRate },
        { name: "out", color: "second", value: (point) => point.messagesOutRate },
      ], short, { least: 1 }),
      new Chart("Data per second", [
        { name: "in", color: "first", value: (point) => point.bytesInRate },
        { name: "out", color: "second", value: (point) => point.bytesOutRate },
      ], bytes, { base: 1024, least: 1, mark: bytesShortly }),
      new Chart("Connections and subscriptions", [
        { name: "connections", color: "first", value: (point) => point.connections },
        { name: "subscriptions", color: "second", value: (point) => point.subscriptions },
      ], short, { least: 4 }),
      new Chart("CPU", [{ name: "of one core", color: "first", value: (point) => point.cpu }],
        (value) => (Number.isFinite(value) ? value.toFixed(0) + "%" : "–"), { least: 10 }),
    ];
    byId("charts").replaceChildren(...this.charts.map((chart) => chart.figure));
    this.tiles = tiles.map(([name, , unit]) => {
      const value = element("span");
      const tile = element("div", {}, element("dt", {}, name),
        element("dd", {}, value, element("small", {}, unit ? " " + unit : "")));
      return { tile, value };
    });
    byId("tiles").replaceChildren(...this.tiles.map(({ tile }) => tile));
    for (const button of byId("spans").children) {
      button.addEventListener("click", () => this.choose(Number(button.dataset.seconds)));
    }
    this.choose(this.seconds);
  }

  choose(seconds) {
    this.seconds = seconds;
    localStorage.setItem("vagus.span", seconds);
    for (const button of byId("spans").children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.seconds) === seconds));
    }
    this.draw();
  }

  /** What was sampled before this page was opened. */
  begin(samples) {
    this.points = [];
    samples.forEach((sample) => this.add(sample));
    this.draw();
  }

  sample(sample) {
    this.add(sample);
    this.draw();
  }

  add(sample) {
    const point = Object.fromEntries(COLUMNS.map((name, at) => [name, sample[at] ?? NaN]));
    const before = this.points.at(-1);
    if (before && point.time <= before.time) return;
    const seconds = before ? (point.time - before.time) / 1000 : NaN;
    for (const name of ["messagesIn", "messagesOut", "bytesIn", "bytesOut"]) {
      point[name + "Rate"] = before ? Math.max(0, point[name] - before[name]) / seconds : NaN;
    }
    this.points.push(point);
    const oldest = point.time - KEPT_SECONDS * 1000;
    while (this.points[0].time < oldest) this.points.shift();
  }

  draw() {
    const last = this.points.at(-1);
    if (!last) return;
    tiles.forEach(([, show, , alarms], at) => {
      this.tiles[at].value.textContent = show(last);
      this.tiles[at].tile.classList.toggle("alarm", Boolean(alarms?.(last)));
    });
    if (byId("overview").hidden) return;
    const from = last.time - this.seconds * 1000;
    const points = this.points.filter((point) => point.time >= from);
    this.charts.forEach((chart) => chart.set(points, from, last.time));
  }
}

/** A sample of what `/varz` says, for where there are no events. */
export function sampleOf(varz) {
  return [Date.parse(varz.now), varz.in_msgs, varz.out_msgs, varz.in_bytes, varz.out_bytes, varz.connections,
    varz.subscriptions, varz.slow_consumers, varz.cpu, varz.mem];
}

/** The line at the top: who this is. */
export function introduce(varz) {
  const name = varz.server_name || varz.server_id;
  byId("server-name").textContent = name;
  document.title = name + " – Vagus";
  const facts = [varz.vagus_version ? "Vagus " + varz.vagus_version : "", varz.version ? "NATS " + varz.version : "",
    varz.start ? "up " + span(Date.parse(varz.now) - Date.parse(varz.start)) : "",
    varz.host ? `${varz.host}:${varz.port}` : ""];
  byId("server-facts").textContent = facts.filter(Boolean).join(" · ");
}
