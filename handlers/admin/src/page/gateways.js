// Connections to and from other clusters as this server sees them, and the clusters that it does not reach.

import { address, milliseconds, number, roundTrip } from "./connections.js";
import { byId, bytes, short, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get } from "./server.js";
import { Table } from "./table.js";

const urls = (row) => (row.urls ?? []).join(", ");
const origin = (row) => (row.configured ? "by the configuration" : "from other clusters");

/** How many accounts there are of which messages are sent that nobody has asked for. */
const optimistic = (row) => row.accounts.filter((account) => account.interest_mode !== "Interest-Only").length;
const mode = (row) => (optimistic(row) === 0 ? "what is wanted" : `all, unless refused, in ${whole(optimistic(row))} accounts`);

function rowsOf(gatewayz) {
  const row = (cluster, isOutbound) => ({ connection, configured, accounts }) => ({
    ...connection, cluster, isOutbound, configured, accounts: accounts ?? [],
  });
  const outbound = Object.entries(gatewayz.outbound_gateways ?? {}).map(([name, it]) => row(name, true)(it));
  const inbound = Object.entries(gatewayz.inbound_gateways ?? {}).flatMap(([name, all]) => all.map(row(name, false)));
  return [...outbound, ...inbound];
}

export class Gateways {
  constructor() {
    this.rates = new Rates((row) => row.cid);
    this.connections = new Table(byId("gateways-table"), [
      { key: "cluster", title: "Cluster", value: (row) => row.cluster, cell: (row) => row.cluster, kind: "name" },
      { key: "direction", title: "Messages go", value: (row) => row.isOutbound, cell: (row) => (row.isOutbound ? "there" : "here") },
      { key: "address", title: "Address", value: address, cell: address, kind: "mono" },
      number("rtt", "RTT", (row) => milliseconds(row.rtt), roundTrip),
      number("pending", "Pending", (row) => row.pending_bytes, bytes),
      number("in", "In/s", (row) => row.rates.in, short, "messages that come from there a second"),
      number("out", "Out/s", (row) => row.rates.out, short, "messages that go there a second"),
      number("subs", "Subs", (row) => row.subscriptions, whole, "what is wanted there"),
      { key: "mode", title: "Sends", value: optimistic, cell: (row) => (row.isOutbound ? mode(row) : "") },
      { key: "origin", title: "Known", value: (row) => row.configured, cell: (row) => (row.isOutbound ? origin(row) : "") },
    ], { sort: "cluster", descending: false, key: (row) => row.cid, empty: "There is no connection." });
    this.missed = new Table(byId("clusters-table"), [
      { key: "name", title: "Cluster", value: (row) => row.name, cell: (row) => row.name, kind: "name" },
      { key: "urls", title: "Addresses", value: urls, cell: urls, kind: "mono" },
      { key: "origin", title: "Known", value: (row) => row.configured, cell: origin },
      number("failed", "Failed attempts", (row) => row.failed, whole),
      number("next", "Next attempt", (row) => row.next_attempt_in ?? 0, (seconds) => (seconds > 0 ? `in ${seconds.toFixed(1)} s` : "under way")),
      { key: "why", title: "Why", cell: (row) => row.last_error ?? "", kind: "name" },
    ], { sort: "name", descending: false, key: (row) => row.name, empty: "All are reached." });
  }

  async refresh() {
    const gatewayz = await get("gatewayz?accs=1");
    const rows = rowsOf(gatewayz);
    const clusters = gatewayz.remotes ?? [];
    const missed = clusters.filter((cluster) => gatewayz.outbound_gateways?.[cluster.name] === undefined);
    this.connections.show(this.rates.of(Date.parse(gatewayz.now), rows));
    this.missed.show(missed);
    byId("gateways-name").textContent = gatewayz.name ?? "";
    byId("gateways-note").textContent = `${whole(clusters.length - missed.length)} of ${whole(clusters.length)} other clusters are reached; ${whole(rows.filter((row) => !row.isOutbound).length)} of their servers are connected to this one.`;
  }
}
