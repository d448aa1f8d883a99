// Who is connected, who was, and for whom bytes wait.

import { byId, bytes, element, short, span, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get, send } from "./server.js";
import { Table } from "./table.js";
import { ask } from "./question.js";

/** The most connections that one answer is asked to have. */
const LIMIT = 1024;

/** What the server can sort by, so that the right ones come when there are more. */
const SERVER_SORTS = {
  cid: "cid", subs: "subs", pending: "pending", in: "msgs_from", out: "msgs_to", inBytes: "bytes_from",
  outBytes: "bytes_to", idle: "idle", uptime: "uptime", rtt: "rtt",
};

/** "1.5ms" as milliseconds: the durations of Go. */
export function milliseconds(text) {
  const sizes = { h: 3600000, m: 60000, s: 1000, ms: 1, µs: 0.001, us: 0.001, ns: 0.000001, d: 86400000, y: 31536000000 };
  let sum = 0;
  for (const [, number, unit] of (text ?? "").matchAll(/([\d.]+)(ms|µs|us|ns|[hmsdy])/g)) sum += number * sizes[unit];
  return sum;
}

/** A round trip of so many milliseconds. */
export const roundTrip = (value) => (value ? value.toFixed(2) + " ms" : "–");
export const address = (row) => (row.ip?.includes(":") ? `[${row.ip}]` : row.ip) + ":" + row.port;
const name = (row) => row.name || row.authorized_user || "";
const language = (row) => [row.lang, row.version].filter(Boolean).join(" ");
export const number = (key, title, value, show, hint) => ({ key, title, hint, value, kind: "number", cell: (row) => show(value(row)) });

export class Connections {
  constructor(isAdministrator) {
    this.rates = new Rates((row) => row.cid);
    this.paused = false;
    const common = [
      number("cid", "CID", (row) => row.cid, String),
      { key: "name", title: "Name", value: name, cell: name, kind: "name" },
      { key: "address", title: "Address", value: address, cell: address, kind: "mono" },
      { key: "language", title: "Client", value: language, cell: language },
    ];
    const traffic = [
      number("in", "In/s", (row) => row.rates.in, short, "messages published a second"),
      number("out", "Out/s", (row) => row.rates.out, short, "messages delivered a second"),
      number("inBytes", "Data in/s", (row) => row.rates.inBytes, bytes),
      number("outBytes", "Data out/s", (row) => row.rates.outBytes, bytes),
    ];
    const open = [
      ...common,
      number("subs", "Subs", (row) => row.subscriptions, whole),
      number("pending", "Pending", (row) => row.pending_bytes ?? 0, bytes),
      ...traffic,
      number("rtt", "RTT", (row) => milliseconds(row.rtt), roundTrip),
      number("idle", "Idle", (row) => milliseconds(row.idle), span),
      number("uptime", "Uptime", (row) => milliseconds(row.uptime), span),
    ];
    if (isAdministrator) open.push({ key: "close", title: "", cell: (row, line) => this.closer(row, line) });
    const key = (row) => row.cid;
    this.open = open;
    this.closed = [
      ...common,
      { key: "reason", title: "Reason", value: (row) => row.reason, cell: (row) => row.reason },
      number("stop", "Ended", (row) => Date.parse(row.stop) || 0, (value) => new Date(value).toLocaleString("en-GB")),
      number("uptime", "Lasted", (row) => milliseconds(row.uptime), span),
      number("messagesIn", "In", (row) => row.in_msgs, short),
      number("messagesOut", "Out", (row) => row.out_msgs, short),
    ];
    this.key = key;
    this.state = "open";
    this.build();
    byId("connections-state").addEventListener("change", (event) => {
      this.state = event.target.value;
      this.build();
      this.refresh();
    });
    byId("connections-find").addEventListener("input", () => this.show());
    const pause = byId("connections-pause");
    pause.addEventListener("click", () => {
      this.paused = !this.paused;
      pause.setAttribute("aria-pressed", String(this.paused));
    });
    this.slow = new Table(byId("slow-table"), [
      ...common,
      number("subs", "Subs", (row) => row.subscriptions, whole),
      number("pending", "Pending", (row) => row.pending_bytes ?? 0, bytes),
      { key: "share", title: "Of the limit", value: (row) => row.pending_bytes, cell: (row, line) => this.share(row, line) },
      number("out", "Out/s", (row) => row.rates.out, short),
    ], { sort: "pending", key, empty: "Nothing waits for anybody." });
    this.cut = new Table(byId("cut-table"), this.closed, { sort: "stop", key, empty: "Nobody was cut off." });
  }

  build() {
    const isOpen = this.state === "open";
    this.table = new Table(byId("connections-table"), isOpen ? this.open : this.closed, {
      sort: isOpen ? "out" : "stop", key: this.key, empty: isOpen ? "Nobody is connected." : "Nobody has left yet.",
    });
    this.table.onsort = () => this.refresh();
    this.rows = [];
  }

  async refresh() {
    if (this.paused) return;
    const state = this.state;
    const sort = SERVER_SORTS[this.table.sort];
    const query = state === "open" ? (sort ? `&sort=${sort}` : "") : "&state=closed&sort=stop";
    const answer = await get(`connz?auth=1&limit=${LIMIT}${query}`)
      .catch(() => get(`connz?limit=${LIMIT}&state=${state}`));
    if (state !== this.state || this.paused) return;
    this.total = answer.total;
    const rows = answer.connections ?? [];
    this.rows = state === "open" ? this.rates.of(Date.parse(answer.now), rows) : rows;
    this.show();
  }

  show() {
    const wanted = byId("connections-find").value.trim().toLowerCase();
    const rows = wanted
      ? this.rows.filter((row) => [row.cid, name(row), address(row), language(row), row.reason].join(" ").toLowerCase().includes(wanted))
      : this.rows;
    this.table.show(rows);
    const all = this.total > this.rows.length ? ` The first ${whole(this.rows.length)} of ${whole(this.total)} are shown.` : "";
    const found = wanted ? `${whole(rows.length)} of ${whole(this.rows.length)} fit.` : `${whole(this.total)} ${this.state}.`;
    byId("connections-note").textContent = found + all;
  }

  async refreshSlow(maxPending) {
    this.maxPending = maxPending;
    const [open, closed] = await Promise.all([
      get(`connz?limit=${LIMIT}&sort=pending`),
      get(`connz?limit=${LIMIT}&state=closed&sort=stop`),
    ]);
    const waiting = this.rates.of(Date.parse(open.now), open.connections ?? []).filter((row) => row.pending_bytes > 0);
    this.slow.show(waiting);
    this.cut.show((closed.connections ?? []).filter((row) => /slow consumer/i.test(row.reason ?? "")));
    byId("slow-note").textContent = `A connection is cut off when more than ${bytes(maxPending)} wait for it (max_pending).`;
    byId("cut-note").textContent = "Of the connections that the server remembers.";
  }

  share(row, line) {
    const bar = line.bar ??= element("progress", { "aria-label": "share of max_pending" });
    bar.max = this.maxPending;
    bar.value = row.pending_bytes;
    return bar;
  }

  closer(row, line) {
    line.closer ??= element("button", { type: "button", class: "small", onclick: () => this.close(row, line.closer) }, "Close");
    line.closer.setAttribute("aria-label", `Close connection ${row.cid}`);
    return line.closer;
  }

  async close(row, button) {
    const who = name(row) ? `“${name(row)}” (${address(row)})` : address(row);
    if (!(await ask(`Close connection ${row.cid} of ${who}? Most clients connect again by themselves.`, "Close it"))) return;
    button.disabled = true;
    try {
      await send("DELETE", `v1/connections/${row.cid}`);
      await this.refresh();
    } catch (error) {
      byId("connections-note").textContent = `Connection ${row.cid}: ${error.message}`;
    }
    button.disabled = false;
  }
}
