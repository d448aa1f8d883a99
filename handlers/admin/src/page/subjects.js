// The subjects with most traffic.

import { byId, bytes, element, short, whole } from "./format.js";
import { get } from "./server.js";
import { Table } from "./table.js";

export class Subjects {
  constructor() {
    this.rows = [];
    this.table = new Table(byId("subjects-table"), [
      { key: "subject", title: "Subject", value: (row) => row.subject, cell: (row) => row.subject, kind: "mono" },
      { key: "rate", title: "Messages/s", kind: "number", value: (row) => row.rate, cell: (row) => short(row.rate) },
      { key: "share", title: "", cell: (row, line) => this.bar(row, line) },
      { key: "messages", title: "Messages", kind: "number", value: (row) => row.msgs, cell: (row) => short(row.msgs),
        hint: "since the subject became hot" },
      { key: "bytes", title: "Data", kind: "number", value: (row) => row.bytes, cell: (row) => bytes(row.bytes) },
      { key: "deliveries", title: "Goes to", kind: "number", value: (row) => row.deliveries, cell: (row) => whole(row.deliveries),
        hint: "connections and queue groups a message goes to" },
    ], { sort: "rate", key: (row) => row.subject, empty: "No subject has had traffic in the last seconds." });
    byId("subjects-find").addEventListener("input", () => this.show());
  }

  async refresh() {
    this.rows = (await get("subjectz?limit=1000")).subjects;
    this.show();
  }

  show() {
    const wanted = byId("subjects-find").value.trim().toLowerCase();
    this.most = Math.max(1, ...this.rows.map((row) => row.rate));
    const rows = this.rows.filter((row) => row.subject.toLowerCase().includes(wanted));
    this.table.show(rows);
    byId("subjects-note").textContent = `${whole(rows.length)} subjects. Rates are smoothed over a few seconds.`;
  }

  bar(row, line) {
    const bar = line.bar ??= element("progress", { "aria-hidden": "true" });
    bar.max = this.most;
    bar.value = row.rate;
    return bar;
  }
}
