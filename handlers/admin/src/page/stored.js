// What a stream holds: its subjects, which are keys or objects in buckets, and its messages, one by one.

import { element, whole } from "./format.js";
import { ask } from "./question.js";
import { get, send } from "./server.js";

/** Of a payload, in characters. */
const SHOWN_OF_ONE = 20000;

/** How many sequences without a message are passed over when looking back. */
const GAP = 64;

/** Under which subjects a bucket has what people look for, and how that is called. */
function namesOf(name, kind) {
  if (kind === "key-value") {
    const prefix = `$KV.${name.slice(3)}.`;
    return { filter: prefix + ">", called: (subject) => subject.slice(prefix.length), what: "keys" };
  }
  if (kind === "objects") {
    const prefix = `$O.${name.slice(4)}.M.`;
    return { filter: prefix + ">", called: (subject) => unpacked(subject.slice(prefix.length)), what: "objects" };
  }
  return { filter: ">", called: (subject) => subject, what: "subjects" };
}

function unpacked(coded) {
  try {
    return text(decoded(coded.replaceAll("-", "+").replaceAll("_", "/"))) ?? coded;
  } catch {
    return coded;
  }
}

const decoded = (base64) => Uint8Array.from(atob(base64 ?? ""), (sign) => sign.charCodeAt(0));

/** Bytes as text; null if they are none. */
function text(octets) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return null;
  }
}

export class Stored {
  constructor(path, name, kind, isAdministrator) {
    Object.assign(this, { path, isAdministrator, names: namesOf(name, kind), sequence: 0 });
    this.find = element("input", { type: "search", "aria-label": `Filter of ${this.names.what}`, placeholder: this.names.filter,
      spellcheck: false, onchange: () => this.list() });
    this.items = element("ul", { class: "picks", "aria-label": this.names.what });
    this.note = element("p", { class: "quiet" });
    this.number = element("input", { type: "number", min: 1, "aria-label": "Sequence", onchange: () => this.go(this.number.valueAsNumber) });
    this.said = element("span", { class: "quiet", role: "status" });
    this.message = element("div", { class: "message" });
    this.element = element("div", { class: "columns" },
      element("div", {}, element("p", {}, this.find), this.items, this.note),
      isAdministrator ? element("div", {}, this.steps(), this.message)
        : element("p", { class: "quiet" }, "What messages say is shown to administrators."));
  }

  steps() {
    const button = (name, title, work) => element("button", { type: "button", "aria-label": title, title, onclick: work }, name);
    return element("p", { class: "actions" },
      button("First", "First message", () => this.next(this.first)),
      button("◀", "Message before", () => this.before()),
      this.number,
      button("▶", "Next message", () => this.next(this.sequence + 1)),
      button("Last", "Last message", () => this.go(this.last, true)),
      element("button", { type: "button", class: "danger small", onclick: () => this.delete() }, "Delete…"),
      this.said);
  }

  async refresh({ state }) {
    const isNew = this.last === undefined;
    Object.assign(this, { first: state.first_seq, last: state.last_seq });
    if (!isNew) return;
    await this.list();
    if (this.isAdministrator && state.messages > 0) await this.go(this.last, true);
  }

  async list() {
    const filter = this.find.value.trim() || this.names.filter;
    const { total, subjects } = await get(`${this.path}/subjects?filter=${encodeURIComponent(filter)}`)
      .catch((error) => ({ total: 0, subjects: [], error }));
    this.items.replaceChildren(...subjects.map(({ subject, messages }) => element("li", {},
      element("button", { type: "button", class: "pick mono", disabled: !this.isAdministrator,
        onclick: () => this.show({ last_for: subject }) }, this.names.called(subject)),
      element("span", { class: "quiet" }, whole(messages)))));
    const part = total > subjects.length ? `, of which ${whole(subjects.length)} are shown` : "";
    this.note.textContent = `${whole(total)} ${this.names.what}${part}`;
  }

  next(sequence) {
    return this.show({ sequence, next_for: ">" });
  }

  go(sequence, isBack = false) {
    return isBack ? this.back(sequence) : this.show({ sequence });
  }

  before() {
    return this.back(this.sequence - 1);
  }

  /** The message of a sequence, or the one before that is not deleted. */
  async back(sequence) {
    for (let at = sequence; at >= Math.max(this.first, 1) && at > sequence - GAP; at -= 1) {
      if (await this.show({ sequence: at })) return;
    }
  }

  /** Shows a message; whether it is there. */
  async show(wanted) {
    try {
      const message = await get(`${this.path}/message?${new URLSearchParams(wanted)}`);
      this.sequence = message.seq;
      this.number.value = message.seq;
      this.said.textContent = "";
      this.message.replaceChildren(...drawn(message));
      return true;
    } catch (error) {
      if (error.status === undefined) throw error;
      this.said.textContent = error.message;
      return false;
    }
  }

  async delete() {
    const sequence = this.sequence;
    if (sequence === 0 || !await ask(`Delete message ${sequence}? It cannot be got back.`, "Delete it")) return;
    try {
      await send("DELETE", `${this.path}/messages/${sequence}`);
      this.said.textContent = `Message ${sequence} is deleted`;
      this.message.replaceChildren();
      await this.list();
    } catch (error) {
      this.said.textContent = error.message;
    }
  }
}

function drawn({ subject, seq, hdrs, data, time }) {
  const octets = decoded(data);
  const heads = (text(decoded(hdrs)) ?? "").split("\r\n").slice(1).filter(Boolean);
  return [
    element("div", { class: "top" }, element("strong", { class: "mono" }, subject),
      element("span", { class: "quiet" }, `#${whole(seq)} · ${whole(octets.length)} B · ${new Date(time).toLocaleString("en-GB")}`)),
    heads.length > 0 ? element("pre", { class: "headers" }, heads.join("\n")) : null,
    element("pre", {}, shortened(readable(octets))),
  ].filter(Boolean);
}

/** JSON with its lines, other text as it is, bytes in hexadecimal. */
function readable(octets) {
  const said = text(octets);
  if (said === null) return Array.from(octets.slice(0, SHOWN_OF_ONE / 3), (octet) => octet.toString(16).padStart(2, "0")).join(" ");
  if (!/^\s*[[{]/.test(said)) return said;
  try {
    return JSON.stringify(JSON.parse(said), null, 2);
  } catch {
    return said;
  }
}

const shortened = (said) => (said.length > SHOWN_OF_ONE ? said.slice(0, SHOWN_OF_ONE) + "…" : said);
