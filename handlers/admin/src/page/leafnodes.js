// Links to leaf nodes and hubs as this server sees them, and the hubs that it does not reach.

import { address, milliseconds, number, roundTrip } from "./connections.js";
import { byId, short, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get } from "./server.js";
import { Table } from "./table.js";

const urls = (row) => row.urls.join(", ");

export class LeafNodes {
  constructor() {
    this.rates = new Rates((row) => row.id);
    this.links = new Table(byId("links-table"), [
      { key: "server", title: "Server", value: (row) => row.name, cell: (row) => row.name, kind: "name" },
      { key: "role", title: "Is", value: (row) => row.is_spoke, cell: (row) => (row.is_spoke ? "the hub" : "a leaf node") },
      { key: "address", title: "Address", value: address, cell: address, kind: "mono" },
      { key: "account", title: "Account", value: (row) => row.account, cell: (row) => row.account, kind: "name" },
      number("rtt", "RTT", (row) => milliseconds(row.rtt), roundTrip),
      number("in", "In/s", (row) => row.rates.in, short, "messages that come from there a second"),
      number("out", "Out/s", (row) => row.rates.out, short, "messages that go there a second"),
      number("subs", "Subs", (row) => row.subscriptions, whole, "what is wanted there"),
      { key: "compression", title: "Compression", value: (row) => row.compression ?? "", cell: (row) => row.compression ?? "" },
    ], { sort: "server", descending: false, key: (row) => row.id, empty: "There is no link." });
    this.missed = new Table(byId("hubs-table"), [
      { key: "urls", title: "Hub", value: urls, cell: urls, kind: "mono" },
      { key: "account", title: "Account", value: (row) => row.account, cell: (row) => row.account, kind: "name" },
      number("failed", "Failed attempts", (row) => row.failed, whole),
      number("next", "Next attempt", (row) => row.next_attempt_in ?? 0, (seconds) => (seconds > 0 ? `in ${seconds.toFixed(1)} s` : "under way")),
      { key: "why", title: "Why", cell: (row) => (row.disabled ? "it is disabled" : row.last_error ?? ""), kind: "name" },
    ], { sort: "urls", descending: false, key: (row) => `${row.account} ${urls(row)}`, empty: "All are reached." });
  }

  async refresh() {
    const leafz = await get("leafz");
    const remotes = leafz.remotes ?? [];
    const missed = remotes.filter((remote) => remote.connected === undefined);
    this.links.show(this.rates.of(Date.parse(leafz.now), leafz.leafs ?? []));
    this.missed.show(missed);
    byId("links-note").textContent = `${whole(leafz.leafnodes)} links; ${whole(remotes.length - missed.length)} of ${whole(remotes.length)} hubs are reached.`;
  }
}
