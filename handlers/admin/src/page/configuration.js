// What the server is set to, and how it comes to be set otherwise: nothing is applied that was not shown before.

import { around, difference } from "./difference.js";
import { byId, element } from "./format.js";
import { ask } from "./question.js";
import { get, send } from "./server.js";

const shown = (value) => {
  if (value === null || value === undefined) return "not set";
  if (Array.isArray(value)) return value.length > 0 ? value.join(", ") : "none";
  return String(value);
};

const time = (text) => new Date(text).toLocaleString("en-GB");

/** What a change would mean, in words. */
function prospects(foretold) {
  if (!foretold) return [];
  const parts = [
    [foretold.connections_closed_unauthorized, "would be closed: not allowed any more"],
    [foretold.connections_closed_no_room, "would be closed: no room"],
    [foretold.connections_restricted, "would be restricted"],
  ].filter(([count]) => count > 0).map(([count, what]) => `${count} of ${foretold.connections} connections ${what}`);
  if (foretold.subscriptions_ended > 0) parts.push(`${foretold.subscriptions_ended} subscriptions would end`);
  return parts.length > 0 ? parts : [`None of ${foretold.connections} connections would notice`];
}

export class Configuration {
  constructor() {
    this.text = null;
    this.checked = null;
    const button = (name, call, kind) => element("button", { type: "button", class: kind, onclick: call }, name);
    this.editor = element("textarea", { class: "config", id: "config-text", spellcheck: "false", wrap: "off",
      "aria-labelledby": "config-title", oninput: () => this.edited() });
    this.toFile = element("input", { type: "checkbox", onchange: () => this.edited() });
    this.fileLabel = element("span", {}, "write it to the file");
    this.check = button("Check", () => this.propose(true), "primary");
    this.apply = button("Apply", () => this.propose(false));
    this.discard = button("Discard", () => this.load());
    this.said = element("span", { class: "quiet", role: "status" });
    this.outcome = element("div", { id: "config-outcome" });
    this.facts = element("p", { class: "quiet" });
    this.versions = element("ul", { class: "changes" });
    this.attempts = element("ul", { class: "changes" });
    this.settings = element("tbody");
    this.reload = button("Read the file again", () => this.readFile());
    byId("configuration-body").replaceChildren(
      element("div", { class: "columns wide" },
        element("div", { class: "card" },
          element("h3", { id: "config-title" }, "Configuration"), this.facts, this.editor,
          element("label", { class: "check" }, this.toFile, this.fileLabel),
          element("p", { class: "actions" }, this.check, this.apply, this.discard, this.reload, this.said),
          this.outcome),
        element("div", { class: "card" },
          element("h3", {}, "Versions"), this.versions,
          element("h3", {}, "What was tried"), this.attempts)),
      element("details", { class: "settings" }, element("summary", {}, "All settings, defaults included"),
        element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All settings" },
          element("table", {}, element("thead", {}, element("tr", {}, ...["Setting", "Value", "Changes while running"]
            .map((title) => element("th", { scope: "col" }, title)))), this.settings))),
    );
    this.edited();
  }

  get isEdited() {
    return this.text !== null && this.editor.value !== this.text;
  }

  async refresh() {
    const state = await get("v1/config");
    // What somebody writes here is not taken away when somebody else applies something.
    if (this.text === null || (state.etag !== this.etag && !this.isEdited)) await this.load();
    else if (state.etag !== this.etag) this.said.textContent = "Somebody else has changed it meanwhile.";
    if (!this.drawnAt || this.drawnAt !== state.etag) {
      this.drawnAt = state.etag;
      this.settings.replaceChildren(...state.settings.map(({ key, value, reloads }) => element("tr", {},
        element("td", { class: "mono" }, key), element("td", { class: "mono" }, shown(value)),
        element("td", {}, reloads ? "yes" : "no"))));
    }
    await this.refreshHistory();
  }

  async load() {
    const [state, text] = await Promise.all([get("v1/config"), get("v1/config?format=text")]);
    this.etag = state.etag;
    this.text = text;
    this.editor.value = text;
    const of = state.file ? `of ${state.file}` : "without a file";
    const kept = state.file && !state.persisted ? "; the file says something else" : "";
    this.facts.textContent = `Version ${state.version} ${of}, since ${time(state.since)}${kept}. Secrets are masked, and stay as they are where the mask stays.`;
    this.toFile.disabled = !state.file;
    this.toFile.checked = Boolean(state.file && state.persisted);
    this.fileLabel.textContent = state.file ? "write it to the file" : "write it to the file (there is none)";
    this.reload.disabled = !state.file;
    this.outcome.replaceChildren();
    this.said.textContent = "";
    this.edited();
  }

  /** Only what was checked as it stands can be applied. */
  edited() {
    const now = this.editor.value + "\n" + this.toFile.checked;
    this.check.disabled = !this.isEdited;
    this.discard.disabled = !this.isEdited;
    this.apply.disabled = !this.isEdited || this.checked !== now;
  }

  async propose(isDry) {
    const now = this.editor.value + "\n" + this.toFile.checked;
    const query = `dry_run=${isDry}&persist=${this.toFile.checked ? "file" : "memory"}`;
    try {
      const outcome = await send("PUT", `v1/config?${query}`, this.editor.value, "text/plain", { "if-match": `"${this.etag}"` });
      if (isDry) {
        this.checked = now;
        this.said.textContent = "This is what it would mean.";
        this.show(outcome, this.text, this.editor.value);
      } else {
        await this.load();
        this.said.textContent = `Applied as version ${outcome.version}`;
        await this.refresh();
      }
    } catch (error) {
      this.checked = null;
      this.said.textContent = error.status === 412 ? "Somebody else has changed it meanwhile: discard, and begin anew." : "It cannot be.";
      this.outcome.replaceChildren(element("p", { class: "problem", role: "alert" }, error.message));
    }
    this.edited();
  }

  show({ changes, warnings, prospects: foretold }, old, now) {
    const lines = around(difference(old, now)).map(({ kind, text }) => element("div", { class: kind },
      ({ added: "+ ", removed: "− " }[kind] ?? "  ") + text));
    this.outcome.replaceChildren(
      element("h3", {}, "Settings"),
      changed(changes),
      element("p", { class: "quiet" }, prospects(foretold).join(". ") + "."),
      ...warnings.map((warning) => element("p", { class: "problem" }, warning)),
      element("h3", {}, "Text"),
      element("div", { class: "diff", tabindex: "0", role: "region", "aria-label": "Lines that change" }, ...lines),
    );
  }

  async refreshHistory() {
    const { versions, attempts } = await get("v1/config/history");
    const tag = JSON.stringify([versions, attempts]);
    if (tag === this.history) return;
    this.history = tag;
    this.versions.replaceChildren(...versions.map(({ version, since, current }) => element("li", {},
      element("strong", {}, `Version ${version}`), ` since ${time(since)} `,
      current ? element("span", { class: "badge good" }, "holds") : element("button", { type: "button", class: "small",
        "aria-label": `Go back to version ${version}`, onclick: () => this.goBack(version) }, "Go back…"))));
    this.attempts.replaceChildren(...(attempts.length > 0 ? attempts : [null]).map((attempt) => {
      if (!attempt) return element("li", { class: "quiet" }, "Nothing yet.");
      const what = attempt.refused ? element("p", { class: "problem" }, attempt.refused) : changed(attempt.changes);
      return element("li", {}, `${time(attempt.at)} by ${attempt.by} (${attempt.origin}): `,
        element("strong", {}, attempt.refused ? "refused" : `version ${attempt.version}`), what);
    }));
  }

  async goBack(version) {
    await this.after(async () => {
      const dry = await send("POST", "v1/config/rollback?dry_run=true", { version });
      const what = dry.changes.map(({ key, old, new: now }) => `${key}: ${shown(old)} → ${shown(now)}`).join("\n");
      const question = `Go back to version ${version}?\n\n${what || "No setting changes."}\n\n${prospects(dry.prospects).join(". ")}`;
      if (!(await ask(question, "Go back"))) return null;
      return send("POST", "v1/config/rollback", { version });
    });
  }

  async readFile() {
    await this.after(async () => {
      const dry = await send("POST", "v1/config/reload?dry_run=true");
      const what = dry.changes.map(({ key, old, new: now }) => `${key}: ${shown(old)} → ${shown(now)}`).join("\n");
      if (!(await ask(`Follow the file as it is now?\n\n${what || "No setting changes."}`, "Follow it"))) return null;
      return send("POST", "v1/config/reload");
    });
  }

  async after(change) {
    try {
      const outcome = await change();
      if (!outcome) return;
      await this.load();
      await this.refresh();
      this.said.textContent = `Version ${outcome.version} holds now.`;
    } catch (error) {
      this.outcome.replaceChildren(element("p", { class: "problem", role: "alert" }, error.message));
    }
  }
}

function changed(changes) {
  if (!changes || changes.length === 0) return element("p", { class: "quiet" }, "No setting changes.");
  return element("ul", { class: "changes" }, ...changes.map(({ key, old, new: now, detail }) => element("li", {},
    element("span", { class: "mono" }, key), ": ", element("del", {}, shown(old)), " → ", element("ins", {}, shown(now)),
    detail ? element("span", { class: "quiet" }, " – " + detail) : null)));
}
