// The streams of all accounts, key-value buckets and object stores among them; the one that is chosen is shown below.

import { number } from "./connections.js";
import { age, byId, bytes, element, short, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get } from "./server.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";

/** The most streams that one answer is asked to have. */
const LIMIT = 1024;

const nameOf = (row) => `${row.account} > ${row.name}`;

/** How much of what it may have a stream has, of messages or bytes, whichever is more; nothing where there is no limit. */
function fullness(row) {
  const shares = [[row.messages, row.max_messages], [row.bytes, row.max_bytes]]
    .filter(([, limit]) => limit > 0).map(([has, limit]) => has / limit);
  return shares.length > 0 ? Math.max(...shares) : NaN;
}

export class Streams {
  constructor(isAdministrator) {
    this.isAdministrator = isAdministrator;
    this.rates = new Rates(nameOf, { in: (row) => row.last_sequence });
    this.chosen = null;
    this.table = new Table(byId("streams-table"), [
      { key: "name", title: "Stream", value: (row) => row.name, cell: (row, line) => this.opener(row, line), kind: "name" },
      { key: "account", title: "Account", value: (row) => row.account, cell: (row) => row.account, kind: "name" },
      { key: "kind", title: "Kind", value: (row) => row.kind, cell: (row) => row.kind },
      number("messages", "Messages", (row) => row.messages, whole),
      number("bytes", "Size", (row) => row.bytes, bytes),
      number("full", "Of limit", fullness, (share) => (Number.isFinite(share) ? `${Math.round(share * 100)}%` : "–")),
      number("in", "In/s", (row) => row.rates.in, short, "messages stored a second"),
      number("subjects", "Subjects", (row) => row.subject_count, whole),
      number("consumers", "Consumers", (row) => row.consumers, whole),
      number("last", "Last message", (row) => Date.parse(row.last_time ?? 0), (time) => (time > 0 ? age(time) : "–")),
      { key: "storage", title: "In", value: (row) => row.storage, cell: (row) => row.storage },
      { key: "state", title: "State", value: (row) => row.failure ?? "", cell: (row) => row.failure ?? "takes messages", kind: "name" },
    ], { sort: "bytes", key: nameOf, empty: "There is no such stream." });
    for (const id of ["streams-find", "streams-kind"]) byId(id).addEventListener("input", () => this.refresh());
  }

  async refresh() {
    const find = byId("streams-find").value.trim();
    const kind = byId("streams-kind").value;
    const { total, streams } = await get(`v1/streams?limit=${LIMIT}&find=${encodeURIComponent(find)}`);
    if (find !== byId("streams-find").value.trim()) return;
    const rows = this.rates.of(performance.now(), streams);
    this.table.show(rows.filter((row) => kind === "" || row.kind === kind));
    const part = total > streams.length ? ` The ${whole(streams.length)} that hold most are shown.` : "";
    byId("streams-note").textContent = `${whole(total)} streams.${part}`;
    await this.chosen?.refresh();
  }

  opener(row, line) {
    line.opener ??= element("button", { type: "button", class: "small", onclick: () => this.choose(row) });
    line.opener.textContent = row.name;
    line.opener.setAttribute("aria-expanded", String(this.chosen?.key === nameOf(row)));
    line.opener.setAttribute("aria-controls", "stream-detail");
    return line.opener;
  }

  async choose(row) {
    const isChosen = this.chosen?.key === nameOf(row);
    this.chosen = isChosen ? null : new Stream(nameOf(row), row, this.isAdministrator, () => this.close());
    byId("stream-detail").replaceChildren(...(this.chosen ? [this.chosen.element] : []));
    await this.refresh();
    this.chosen?.element.scrollIntoView({ block: "nearest" });
  }

  async close() {
    this.chosen = null;
    byId("stream-detail").replaceChildren();
    await this.refresh();
  }
}
