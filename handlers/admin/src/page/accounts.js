// The accounts: who is in them, what passes, what they share and map, and who may be in them.

import { byId, bytes, element, short, whole } from "./format.js";
import { Rates } from "./rates.js";
import { get } from "./server.js";
import { Table } from "./table.js";

/** The most accounts that one answer is asked to have. */
const LIMIT = 1024;

const called = (row) => (row.tag ? `${row.tag} (${row.name})` : row.name);
const number = (key, title, value, show, hint) => ({ key, title, hint, value, kind: "number", cell: (row) => show(value(row)) });

const PASSED = {
  in: (row) => row.received.messages, out: (row) => row.sent.messages,
  inBytes: (row) => row.received.bytes, outBytes: (row) => row.sent.bytes,
};

export class Accounts {
  constructor() {
    this.rates = new Rates((row) => row.name, PASSED);
    this.chosen = null;
    this.table = new Table(byId("accounts-table"), [
      { key: "name", title: "Account", value: called, cell: (row, line) => this.opener(row, line), kind: "name" },
      number("connections", "Connections", (row) => row.connections, whole),
      number("subscriptions", "Subs", (row) => row.subscriptions, whole),
      number("in", "In/s", (row) => row.rates.in, short, "messages published a second"),
      number("out", "Out/s", (row) => row.rates.out, short, "messages delivered a second"),
      number("inBytes", "Data in/s", (row) => row.rates.inBytes, bytes),
      number("outBytes", "Data out/s", (row) => row.rates.outBytes, bytes),
      number("slow", "Slow", (row) => row.slow_consumers, whole, "connections that were cut off for being slow"),
      number("exports", "Exports", (row) => row.exports, whole),
      number("imports", "Imports", (row) => row.imports, whole),
      number("mappings", "Mappings", (row) => row.mappings, whole),
      number("users", "Users", (row) => row.users, whole, "those of the configuration"),
    ], { sort: "connections", key: (row) => row.name, empty: "There is no such account." });
    byId("accounts-find").addEventListener("input", () => this.refresh());
  }

  async refresh() {
    const find = byId("accounts-find").value.trim();
    const { total, accounts } = await get(`v1/accounts?limit=${LIMIT}&find=${encodeURIComponent(find)}`);
    if (find !== byId("accounts-find").value.trim()) return;
    this.table.show(this.rates.of(performance.now(), accounts));
    const all = total > accounts.length ? ` Those in which most are, ${whole(accounts.length)}, are shown.` : "";
    byId("accounts-note").textContent = `${whole(total)} accounts.${all}`;
    if (this.chosen !== null) await this.showDetail();
  }

  opener(row, line) {
    line.opener ??= element("button", { type: "button", class: "small", onclick: () => this.choose(row.name) });
    line.opener.textContent = called(row) + (row.is_system ? " · system" : "");
    line.opener.setAttribute("aria-expanded", String(this.chosen === row.name));
    line.opener.setAttribute("aria-controls", "account-detail");
    return line.opener;
  }

  async choose(name) {
    this.chosen = this.chosen === name ? null : name;
    if (this.chosen === null) byId("account-detail").replaceChildren();
    await this.refresh();
  }

  async showDetail() {
    const name = this.chosen;
    const account = await get("v1/accounts/" + encodeURIComponent(name)).catch((error) => {
      if (error.status === 404) return null;
      throw error;
    });
    if (name !== this.chosen) return;
    const shown = JSON.stringify([account?.limits, account?.export_list, account?.import_list, account?.mapping_list,
      account?.user_list, account?.trace]);
    if (this.shown === name + shown && byId("account-detail").firstChild) return;
    this.shown = name + shown;
    byId("account-detail").replaceChildren(account === null
      ? element("p", { class: "quiet" }, `There is no account ${name} any more.`)
      : element("div", { class: "card" }, element("h3", {}, called(account)), ...detail(account)));
  }
}

function detail(account) {
  const limits = Object.entries(account.limits).filter(([, limit]) => limit !== null)
    .map(([name, limit]) => `${name}: ${whole(limit)}`);
  return [
    list("Limits", limits),
    list("Exports", account.export_list.map((it) => `${it.kind} ${it.subject} – ${access(it)}${latency(it)}`)),
    list("Imports", account.import_list.map((it) => `${it.kind} ${it.subject} of ${it.account}` +
      (it.local === it.subject ? "" : ` as ${it.local}`))),
    list("Mappings", account.mapping_list.map((it) => `${it.source} → ` + it.destinations.map(destination).join(", "))),
    list("Traces", account.trace ? [`${account.trace.sampling}% to ${account.trace.destination}`] : []),
    list("Users", account.user_list.map(user)),
    account.truncated ? element("p", { class: "quiet" }, "There is more than is shown.") : null,
  ];
}

const access = (it) => (it.access === "accounts" ? `for ${it.accounts.join(", ")}` : it.access);
const latency = (it) => (it.latency ? `, latency to ${it.latency.subject}` : "");
const destination = (it) => it.subject + (it.weight === 100 ? "" : ` ${it.weight}%`) + (it.cluster ? ` in ${it.cluster}` : "");

function user(it) {
  const notes = [it.proof, it.by_default ? "who says nothing" : "", it.requires_proxy ? "by a proxy" : ""];
  if (it.permissions) {
    const rules = ({ allow, deny }) => [...allow, ...deny.map((subject) => "not " + subject)].join(" ") || "everything";
    notes.push(`publishes ${rules(it.permissions.publish)}`, `subscribes to ${rules(it.permissions.subscribe)}`);
  }
  return `${it.name} (${notes.filter(Boolean).join(", ")})`;
}

function list(title, items) {
  if (items.length === 0) return null;
  return element("div", {}, element("h4", {}, title),
    element("ul", { class: "changes" }, ...items.map((item) => element("li", { class: "mono" }, item))));
}
