// Publishing, and watching what is published.

import { byId, clock, element, short, whole } from "./format.js";
import { send } from "./server.js";

/** The newest messages that stay on the page. */
const SHOWN = 200;

/** Of a payload, in characters. */
const SHOWN_OF_ONE = 4000;

export class Messages {
  constructor() {
    this.source = null;
    this.waiting = [];
    this.count = 0;
    byId("publish").addEventListener("submit", (event) => this.publish(event));
    byId("subscribe").addEventListener("submit", (event) => this.toggle(event));
    byId("subscribe-clear").addEventListener("click", () => {
      byId("received").replaceChildren();
      this.waiting = [];
    });
  }

  async publish(event) {
    event.preventDefault();
    const fields = event.target.elements;
    const said = byId("published");
    const headers = {};
    for (const line of fields.headers.value.split("\n").filter((line) => line.trim())) {
      const colon = line.indexOf(":");
      if (colon < 1) {
        said.textContent = `“${line}” is no header: Name: value`;
        return;
      }
      (headers[line.slice(0, colon).trim()] ??= []).push(line.slice(colon + 1).trim());
    }
    const body = { subject: fields.subject.value, payload: fields.payload.value };
    if (fields.reply.value) body.reply = fields.reply.value;
    if (Object.keys(headers).length > 0) body.headers = headers;
    try {
      const { delivered } = await send("POST", "v1/publish", body);
      said.textContent = `${clock(Date.now())} – ${delivered ? "delivered" : "nobody is subscribed"}`;
    } catch (error) {
      said.textContent = error.message;
    }
  }

  toggle(event) {
    event.preventDefault();
    if (this.source) return this.stop("ended");
    const fields = event.target.elements;
    const query = new URLSearchParams({ subject: fields.subject.value });
    if (fields.queue.value) query.set("queue", fields.queue.value);
    byId("subscribed").textContent = "subscribing…";
    byId("subscribe-button").textContent = "Stop";
    this.count = 0;
    const source = new EventSource("v1/subscribe?" + query);
    this.source = source;
    source.addEventListener("subscribed", () => this.say());
    source.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    source.addEventListener("end", (event) => this.stop(JSON.parse(event.data).reason));
    source.addEventListener("error", () => {
      // Not tried again: what was published meanwhile would be missing without a word.
      if (this.source === source) this.stop("the server refuses, or is gone");
    });
  }

  stop(why) {
    this.source?.close();
    this.source = null;
    byId("subscribe-button").textContent = "Subscribe";
    byId("subscribed").textContent = `${why} after ${whole(this.count)} messages`;
  }

  receive(message) {
    this.count += 1;
    this.waiting.push({ ...message, time: Date.now() });
    if (this.waiting.length > SHOWN) this.waiting.shift();
    // Thousands a second are drawn a few times a second.
    this.drawing ??= setTimeout(() => this.draw(), 120);
  }

  draw() {
    this.drawing = null;
    const list = byId("received");
    const lines = this.waiting.map((message) => line(message)).reverse();
    this.waiting = [];
    list.prepend(...lines);
    while (list.children.length > SHOWN) list.lastElementChild.remove();
    this.say();
  }

  say() {
    if (this.source) byId("subscribed").textContent = `${short(this.count)} received`;
  }
}

function line({ subject, reply, headers, payload, payload_base64: coded, size, time }) {
  const text = payload ?? coded ?? "";
  const shown = text.length > SHOWN_OF_ONE ? text.slice(0, SHOWN_OF_ONE) + "…" : text;
  const facts = [reply ? "reply " + reply : "", coded === undefined ? "" : "base64", `${whole(size)} B`, clock(time)];
  const heads = Object.entries(headers ?? {}).flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
  return element("li", {},
    element("div", { class: "top" }, element("strong", {}, subject),
      element("span", { class: "quiet" }, facts.filter(Boolean).join(" · "))),
    heads.length > 0 ? element("pre", { class: "headers" }, heads.join("\n")) : null,
    shown ? element("pre", {}, shown) : null);
}
