// The cluster as this server sees it: a picture, its routes, and the servers that it does not reach.

import { address, milliseconds, number, roundTrip } from "./connections.js";
import { byId, bytes, shape, short, span, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get } from "./server.js";
import { Table } from "./table.js";

/** How large servers are drawn. */
const WIDTH = 168;
const HEIGHT = 46;

/** How much room a line of text takes, and about how much a letter of it. */
const ROW = 15;
const LETTER = 6.2;

/** How far servers that are below each other stand from the edge, and from one to the next. */
const INDENT = 24;
const PITCH = HEIGHT + 24;

/** So many bytes always wait for a moment: that is not worth a warning. */
const WAITING = 64 * 1024;

/** More than these would hide each other: the tables have all. */
const DRAWN = 24;

const LETTERS = 22;

const shortened = (text) => (text.length > LETTERS ? text.slice(0, LETTERS - 1) + "…" : text);
const sum = (rows, value) => rows.reduce((total, row) => total + (value(row) || 0), 0);

export class Cluster {
  constructor() {
    this.rates = new Rates((row) => row.rid);
    this.members = [];
    this.broken = [];
    this.svg = byId("cluster-picture");
    new ResizeObserver(() => this.draw()).observe(this.svg);
    this.routes = new Table(byId("routes-table"), [
      { key: "server", title: "Server", value: (row) => row.remote_name, cell: (row) => row.remote_name, kind: "name" },
      { key: "address", title: "Address", value: address, cell: address, kind: "mono" },
      { key: "account", title: "Account", value: (row) => row.account ?? "", cell: (row) => row.account ?? "all others", kind: "name",
        hint: "the account that the route carries alone" },
      number("rtt", "RTT", (row) => milliseconds(row.rtt), roundTrip),
      number("pending", "Pending", (row) => row.pending_size, bytes),
      number("in", "In/s", (row) => row.rates.in, short, "messages that come from there a second"),
      number("out", "Out/s", (row) => row.rates.out, short, "messages that go there a second"),
      number("inBytes", "Data in/s", (row) => row.rates.inBytes, bytes),
      number("outBytes", "Data out/s", (row) => row.rates.outBytes, bytes),
      number("subs", "Subs", (row) => row.subscriptions, whole, "what the server is interested in"),
      { key: "compression", title: "Compression", value: (row) => row.compression ?? "", cell: (row) => row.compression ?? "" },
      { key: "direction", title: "Connected", value: (row) => row.did_solicit, cell: (row) => (row.did_solicit ? "from here" : "from there") },
      number("uptime", "Uptime", (row) => milliseconds(row.uptime), span),
    ], { sort: "server", descending: false, key: (row) => row.rid, empty: "There is no route." });
    this.missed = new Table(byId("missed-table"), [
      { key: "address", title: "Address", value: (row) => row.address, cell: (row) => row.address, kind: "mono" },
      { key: "origin", title: "Known", value: (row) => row.is_configured, cell: (row) => (row.is_configured ? "by the configuration" : "from other servers") },
      number("failed", "Failed attempts", (row) => row.failed, whole),
      number("next", "Next attempt", (row) => row.next_attempt_in ?? 0, (seconds) => (seconds > 0 ? `in ${seconds.toFixed(1)} s` : "under way")),
      { key: "why", title: "Why", cell: (row) => row.last_error ?? "", kind: "name" },
    ], { sort: "address", descending: false, key: (row) => row.address, empty: "All are reached." });
  }

  async refresh() {
    const [routez, clusterz] = await Promise.all([get("routez"), get("clusterz")]);
    const routes = this.rates.of(Date.parse(routez.now), routez.routes ?? []);
    this.self = routez.server_name || routez.server_id;
    this.members = grouped(routes);
    this.broken = missed(clusterz.dialled);
    byId("cluster-name").textContent = clusterz.name ?? "";
    this.routes.show(routes);
    this.missed.show(this.broken);
    byId("cluster-note").textContent = `${whole(this.members.length)} other servers, ${whole(routes.length)} routes. `
      + "Each server shows its own routes; a line is as thick as there is traffic.";
    this.draw();
  }

  draw() {
    const width = this.svg.clientWidth;
    const nodes = [...this.members.map(reached), ...this.broken.map(unreached)].slice(0, DRAWN);
    if (width < INDENT + WIDTH || this.self === undefined) return;
    let layout = around(width, nodes.length);
    if (!isSeen(layout, nodes, width)) layout = below(width, nodes.length);
    const { height, own, places } = layout;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.height = height + "px";
    const lines = nodes.map((node, number) => line(places[number].line, node));
    const boxes = nodes.flatMap((node, number) => [
      box(places[number].at, node.name, node.fact, node.kind),
      label(places[number].said, node.texts, node.kind),
    ]);
    this.svg.replaceChildren(...lines, box(own, this.self, "this server", "self"), ...boxes);
    const said = nodes.map((node) => `${node.name}: ${node.texts.join(", ")}`);
    this.svg.setAttribute("aria-label", `${this.self} and ${whole(nodes.length)} others. ${said.join(". ")}`);
  }
}

/** Others around this server: one is to the right, two are at both sides, more begin at the top. */
function around(width, count) {
  const height = count > 4 ? 400 : count > 2 ? 300 : 170;
  const own = { x: width / 2, y: height / 2 };
  const reach = { x: Math.min(width / 2 - WIDTH / 2 - 4, 420), y: height / 2 - HEIGHT / 2 - 4 };
  const from = count > 2 ? -Math.PI / 2 : 0;
  const places = Array.from({ length: count }, (_, number) => {
    const angle = from + (number / count) * 2 * Math.PI;
    const at = { x: own.x + Math.cos(angle) * reach.x, y: own.y + Math.sin(angle) * reach.y };
    // In the middle of what is seen of a line between two boxes.
    return { at, line: [own, at], said: { x: (own.x + at.x) / 2, y: (own.y + at.y) / 2 } };
  });
  return { height, own, places };
}

/** Others below this server, what is said of each beside it. */
function below(width, count) {
  const own = { x: WIDTH / 2 + 4, y: HEIGHT / 2 + 4 };
  const trunk = INDENT / 2;
  const places = Array.from({ length: count }, (_, number) => {
    const at = { x: INDENT + WIDTH / 2, y: own.y + (number + 1) * PITCH };
    const line = [{ x: trunk, y: own.y }, { x: trunk, y: at.y }, at];
    return { at, line, said: { x: INDENT + WIDTH + Math.min((width - INDENT - WIDTH) / 2, 100), y: at.y } };
  });
  return { height: own.y + count * PITCH + HEIGHT / 2 + 8, own, places };
}

/** Where a server is drawn. */
const server = ({ x, y }) => ({ x: x - WIDTH / 2, y: y - HEIGHT / 2, width: WIDTH, height: HEIGHT });

/** Where these texts are drawn. */
function rectangle({ x, y }, texts) {
  const width = Math.max(...texts.map((text) => text.length)) * LETTER + 8;
  const height = texts.length * ROW;
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** Whether nothing of it hides anything else. */
function isSeen({ own, places }, nodes, width) {
  const ofOthers = places.flatMap(({ at, said }, number) => [server(at), rectangle(said, nodes[number].texts)]);
  const rectangles = [server(own), ...ofOthers];
  const apart = (one, other) => one.x + one.width <= other.x || other.x + other.width <= one.x
    || one.y + one.height <= other.y || other.y + other.height <= one.y;
  return rectangles.every((one, number) => one.x >= 0 && one.x + one.width <= width
    && rectangles.slice(number + 1).every((other) => apart(one, other)));
}

/** The servers that there are routes to, by name, each with its routes. */
function grouped(routes) {
  const servers = new Map();
  for (const route of routes) {
    servers.set(route.remote_id, [...(servers.get(route.remote_id) ?? []), route]);
  }
  const members = [...servers.values()].map((routes) => ({ name: routes[0].remote_name, routes }));
  return members.sort((one, other) => one.name.localeCompare(other.name));
}

/** The servers that are dialled in vain, each once: that of its attempts which failed most often. */
function missed(dialled) {
  const servers = new Map();
  for (const server of dialled) {
    if (server.connected || server.given_up || server.failed === 0) continue;
    const known = servers.get(server.address);
    if (!known || known.failed < server.failed) servers.set(server.address, server);
  }
  return [...servers.values()];
}

function reached({ name, routes }) {
  const rate = sum(routes, (route) => route.rates.in) + sum(routes, (route) => route.rates.out);
  const pending = sum(routes, (route) => route.pending_size);
  const compressions = new Set(routes.map((route) => route.compression).filter((mode) => mode && mode !== "off"));
  const texts = [roundTrip(Math.max(...routes.map((route) => milliseconds(route.rtt)))),
    `in ${short(sum(routes, (route) => route.rates.in))}/s, out ${short(sum(routes, (route) => route.rates.out))}/s`];
  const waits = pending >= WAITING;
  if (waits) texts.push(`${bytes(pending)} pending`);
  if (compressions.size > 0) texts.push([...compressions].join(", "));
  const fact = `${routes[0].ip}, ${routes.length === 1 ? "1 route" : routes.length + " routes"}`;
  return { name, fact, texts, kind: waits ? "waiting" : "reached", thickness: 1.5 + Math.min(6, Math.log10(1 + rate)) };
}

function unreached(server) {
  const next = server.next_attempt_in > 0 ? `next attempt in ${server.next_attempt_in.toFixed(1)} s` : "trying to connect";
  const times = server.failed === 1 ? "1 attempt" : `${whole(server.failed)} attempts`;
  return { name: server.address, fact: "not reached", texts: [next, times + " failed"], kind: "broken", thickness: 1.5 };
}

function line(points, { kind, thickness }) {
  const through = points.map(({ x, y }) => `${x},${y}`).join(" ");
  return shape("polyline", { class: kind, points: through, "stroke-width": thickness.toFixed(1) });
}

function box(at, name, fact, kind) {
  const { x, y } = at;
  const group = shape("g", { class: "server " + kind });
  group.append(
    shape("title", {}, name),
    shape("rect", { ...server(at), rx: 8 }),
    shape("text", { class: "name", x, y: y - 3, "text-anchor": "middle" }, shortened(name)),
    shape("text", { x, y: y + 14, "text-anchor": "middle" }, shortened(fact)),
  );
  return group;
}

function label(said, texts, kind) {
  const group = shape("g", { class: "label " + kind });
  const around = rectangle(said, texts);
  const lines = texts.map((text, row) =>
    shape("text", { x: said.x, y: around.y + row * ROW + ROW - 4, "text-anchor": "middle" }, text));
  group.append(shape("rect", around), ...lines);
  return group;
}
