// One stream: how it is set, what it holds, who gets it; administrators empty and delete it.

import { Consumers } from "./consumers.js";
import { age, bytes, element, span, whole } from "./format.js";
import { ask } from "./question.js";
import { get, send } from "./server.js";
import { Stored } from "./stored.js";

const PARTS = { held: { stream: "Messages", "key-value": "Keys", objects: "Objects" }, consumers: "Consumers", settings: "Settings" };

/** Settings that are numbers of something, by how they read. */
const READ = {
  max_bytes: bytes, max_msg_size: bytes,
  max_age: (nanoseconds) => span(nanoseconds / 1e6),
  duplicate_window: (nanoseconds) => span(nanoseconds / 1e6),
  subject_delete_marker_ttl: (nanoseconds) => span(nanoseconds / 1e6),
};

export class Stream {
  constructor(key, { account, name, kind }, isAdministrator, close) {
    Object.assign(this, { key, name, close, isAdministrator });
    this.path = `v1/accounts/${encodeURIComponent(account)}/streams/${encodeURIComponent(name)}`;
    this.facts = element("dl", { class: "tiles" });
    this.said = element("span", { class: "quiet", role: "status" });
    this.settings = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Settings" });
    this.parts = {
      held: new Stored(this.path, name, kind, isAdministrator),
      consumers: new Consumers(this.path, isAdministrator),
      settings: { element: this.settings },
    };
    this.buttons = Object.entries(PARTS).map(([part, title]) => element("button",
      { type: "button", "data-part": part, onclick: () => this.show(part) }, title[kind] ?? title));
    this.body = element("div");
    this.element = element("div", { class: "card" },
      element("h3", {}, key),
      this.facts,
      element("div", { class: "tools" },
        element("div", { class: "choice", role: "group", "aria-label": "What is shown of the stream" }, ...this.buttons),
        ...(isAdministrator ? this.orders() : []), this.said),
      this.body);
    this.show("held");
  }

  orders() {
    return [
      element("button", { type: "button", class: "danger", onclick: () => this.purge() }, "Remove messages…"),
      element("button", { type: "button", class: "danger", onclick: () => this.delete() }, "Delete stream…"),
    ];
  }

  show(part) {
    this.part = part;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.part === part));
    this.body.replaceChildren(this.parts[part].element);
    this.refresh();
  }

  async refresh() {
    const part = this.part;
    try {
      const stream = await get(this.path);
      this.messages = stream.state.messages;
      this.draw(stream);
      await this.parts[part].refresh?.(stream);
    } catch (error) {
      if (error.status !== 404) throw error;
      this.said.textContent = "There is no such stream any more.";
    }
  }

  draw({ state, config, created, failure }) {
    const facts = [
      ["Messages", whole(state.messages)], ["Size", bytes(state.bytes)],
      ["Sequences", `${whole(state.first_seq)} – ${whole(state.last_seq)}`],
      ["Deleted between", whole(state.num_deleted ?? 0)], ["Subjects", whole(state.num_subjects ?? 0)],
      ["Consumers", whole(state.consumer_count)], ["Made", age(Date.parse(created))],
    ];
    const tiles = facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
    if (failure) tiles.push(element("div", { class: "alarm" }, element("dt", {}, "Takes in nothing"), element("dd", {}, failure)));
    this.facts.replaceChildren(...tiles);
    const shown = JSON.stringify(config);
    if (this.shown === shown) return;
    this.shown = shown;
    this.settings.replaceChildren(element("table", {}, element("tbody", {},
      ...Object.entries(config).map(([name, value]) => [name, read(name, value)]).filter(([, text]) => text !== null)
        .map(([name, text]) => element("tr", {}, element("td", {}, name), element("td", { class: "mono" }, text))))));
  }

  async purge() {
    const sure = await ask(`Remove all ${whole(this.messages)} messages from ${this.key}? They cannot be got back.`, "Remove them");
    if (!sure) return;
    await this.told(async () => {
      const { purged } = await send("POST", this.path + "/purge", {});
      return `${whole(purged)} messages have gone`;
    });
  }

  async delete() {
    const sure = await ask(`Delete ${this.key} with all ${whole(this.messages)} messages and its consumers? ` +
      "It cannot be got back.", "Delete it");
    if (!sure) return;
    const isGone = await this.told(async () => {
      await send("DELETE", this.path);
      return "deleted";
    });
    if (isGone) await this.close();
  }

  /** Says what something came to; whether it was done. */
  async told(work) {
    try {
      this.said.textContent = await work();
      return true;
    } catch (error) {
      this.said.textContent = error.message;
      return false;
    }
  }
}

/** A setting for people; null where there is nothing to say. */
function read(name, value) {
  if (value === null || value === false || value === "" || value === 0 || value?.length === 0) return null;
  if (value === -1) return "no limit";
  if (typeof value === "number") return (READ[name] ?? whole)(value);
  if (Array.isArray(value) && value.every((part) => typeof part === "string")) return value.join(" ");
  if (typeof value === "object") return Object.keys(value).length > 0 ? JSON.stringify(value) : null;
  return String(value);
}
