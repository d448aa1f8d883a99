// The consumers of a stream: how they stand, why one waits; administrators have one pause, go on, begin anew or go.

import { number } from "./connections.js";
import { element, span, whole } from "./format.js";
import { ask } from "./question.js";
import { get, send } from "./server.js";
import { Table } from "./table.js";

/** How long a consumer is paused, in seconds. */
const PAUSE = 3600;

/** Why one waits, for people. */
const WAITS = {
  paused: "paused",
  nobody_listens: "nobody listens where it delivers",
  flow_control: "its client has not said that it can take more",
  no_request: "no client asks for messages",
  max_ack_pending: "as many are unacknowledged as may be",
  max_ack_pending_per_subject: "others of each subject that is to come are unacknowledged",
  pinned: "the one client that is served does not ask",
  overflow: "too little waits for those who ask",
  pace: "it may deliver only so fast",
  reading: "reads from disk",
  nothing_matches: "has all there is",
};

const seconds = (value) => (value > 0 ? span(value * 1000) : "–");

export class Consumers {
  constructor(path, isAdministrator) {
    this.path = path + "/consumers";
    const table = element("table", { id: "consumers-table" });
    const columns = [
      { key: "name", title: "Consumer", value: (row) => row.name, cell: (row) => row.name, kind: "name" },
      { key: "mode", title: "Mode", value: mode, cell: mode },
      { key: "state", title: "State", value: state, cell: state, kind: "name" },
      number("pending", "To come", (row) => row.num_pending, whole),
      number("unacknowledged", "Unacknowledged", (row) => row.num_ack_pending, whole),
      number("again", "Redelivered", (row) => row.num_redelivered, whole),
      number("waiting", "Requests", (row) => row.num_waiting, whole),
      number("lag", "Behind by", (row) => row.lag_seconds, seconds),
      number("oldest", "Oldest unacknowledged", (row) => row.oldest_unacknowledged_seconds, seconds),
      number("delivered", "Delivered", (row) => row.delivered.consumer_seq, whole),
      number("floor", "Acknowledged up to", (row) => row.ack_floor.stream_seq, whole),
    ];
    if (isAdministrator) columns.splice(3, 0, { key: "do", title: "", cell: (row, line) => this.orders(row, line) });
    this.table = new Table(table, columns, { sort: "pending", key: (row) => row.name, empty: "It has no consumers." });
    this.said = element("p", { class: "quiet", role: "status" });
    this.note = element("p", { class: "quiet" });
    this.element = element("div", {}, element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Consumers" }, table),
      this.note, this.said);
  }

  async refresh() {
    const { total, consumers } = await get(this.path);
    this.table.show(consumers);
    this.note.textContent = total > consumers.length ? `${whole(total)} consumers, of which the first ${whole(consumers.length)} by name are shown.` : "";
  }

  orders(row, line) {
    const button = (work, kind) => element("button", { type: "button", class: "small " + kind, onclick: work });
    line.orders ??= element("span", { class: "orders" }, button(() => this.pause(line.row), ""), button(() => this.reset(line.row), ""),
      button(() => this.delete(line.row), "danger"));
    line.row = row;
    const [pause, reset, go] = line.orders.children;
    pause.textContent = row.paused ? "Go on" : "Pause…";
    reset.textContent = "Begin anew…";
    go.textContent = "Delete…";
    for (const one of line.orders.children) one.setAttribute("aria-label", `${one.textContent} ${row.name}`);
    return line.orders;
  }

  async pause(row) {
    if (row.paused) return this.order(row, "POST", "/resume", undefined, "goes on");
    const sure = await ask(`Pause ${row.name} for an hour? It delivers nothing until then, or until it is told to go on.`, "Pause it");
    if (sure) await this.order(row, "POST", "/pause", { seconds: PAUSE }, "is paused for an hour");
  }

  async reset(row) {
    const sure = await ask(`Have ${row.name} begin anew behind message ${whole(row.ack_floor.stream_seq)}? ` +
      "What was delivered since is delivered again.", "Begin anew");
    if (sure) await this.order(row, "POST", "/reset", {}, "begins anew");
  }

  async delete(row) {
    const sure = await ask(`Delete ${row.name}? It forgets what was acknowledged.`, "Delete it");
    if (sure) await this.order(row, "DELETE", "", undefined, "is deleted");
  }

  async order(row, method, what, body, done) {
    try {
      await send(method, `${this.path}/${encodeURIComponent(row.name)}${what}`, body);
      this.said.textContent = `${row.name} ${done}`;
      await this.refresh();
    } catch (error) {
      this.said.textContent = error.message;
    }
  }
}

const mode = (row) => (row.config.deliver_subject ? `pushes to ${row.config.deliver_subject}` : "pull");

function state(row) {
  if (row.paused) return `paused for ${span(row.pause_remaining / 1e6)} more`;
  const said = row.waits ? WAITS[row.waits] ?? row.waits : "delivers";
  const { messages, subjects } = row.behind_others ?? { messages: 0 };
  return messages > 0 ? `${said} (${whole(messages)} wait behind others of ${whole(subjects)} subjects)` : said;
}
