// Connectors: how each stands; administrators have one pause and go on.

import { number } from "./connections.js";
import { byId, bytes, element, short, whole } from "./format.js";
import { get, send } from "./server.js";
import { Table } from "./table.js";

export class Connectors {
  constructor(isAdministrator) {
    const columns = [
      { key: "id", title: "Connector", value: (row) => row.id, cell: (row) => row.id, kind: "name" },
      { key: "type", title: "Type", value: (row) => row.type, cell: (row) => row.type },
      { key: "subject", title: "Subject", value: (row) => row.subject, cell: (row) => row.subject, kind: "mono" },
      { key: "state", title: "State", value: (row) => row.state, cell: (row) => row.state },
      number("links", "Connections", (row) => row.connects - row.disconnects, whole),
      number("messages", "Messages", (row) => row.msg_in + row.msg_out, short),
      number("data", "Data", (row) => row.bytes_in + row.bytes_out, bytes),
      number("pending", "Pending", (row) => row.pending_bytes, bytes),
      number("lag", "Behind", (row) => row.lag, short),
      number("latency", "95 % within", (row) => row.q95, (value) => `${value.toFixed(1)} ms`),
      number("dropped", "Dropped", (row) => row.dropped, whole),
      number("errors", "Errors", (row) => row.errors, whole),
      { key: "why", title: "Last error", cell: (row) => row.last_error ?? "", kind: "name" },
    ];
    if (isAdministrator) columns.push({ key: "do", title: "", cell: (row, line) => this.switch(row, line) });
    this.table = new Table(byId("connectors-table"), columns,
      { sort: "id", descending: false, key: (row) => row.id, empty: "There is no connector." });
  }

  async refresh() {
    this.table.show((await get("varz")).connectors ?? []);
  }

  switch(row, line) {
    line.switch ??= element("button", { type: "button", class: "small" });
    const paused = row.state === "paused";
    line.switch.textContent = paused ? "Go on" : "Pause";
    line.switch.onclick = () => this.pause(row, !paused);
    return line.switch;
  }

  async pause(row, paused) {
    byId("connectors-note").textContent = "";
    try {
      await send("POST", `v1/connectors/${row.id}/${paused ? "pause" : "resume"}`);
      await this.refresh();
    } catch (error) {
      byId("connectors-note").textContent = error.message;
    }
  }
}
