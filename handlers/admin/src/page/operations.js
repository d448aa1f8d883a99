// What an administrator can have the server do.

import { byId } from "./format.js";
import { get, send } from "./server.js";
import { ask } from "./question.js";

export class Operations {
  constructor() {
    byId("log").addEventListener("submit", (event) => this.setLog(event));
    byId("lame-duck").addEventListener("click", () => this.lameDuck());
  }

  async refresh() {
    const { debug, trace } = await get("v1/log");
    const fields = byId("log").elements;
    if (byId("log").contains(document.activeElement)) return;
    fields.debug.checked = debug;
    fields.trace.checked = trace;
  }

  async setLog(event) {
    event.preventDefault();
    const { debug, trace } = event.target.elements;
    try {
      const now = await send("PUT", "v1/log", { debug: debug.checked, trace: trace.checked });
      const lines = [now.debug ? "debug" : "", now.trace ? "trace" : ""].filter(Boolean);
      byId("log-said").textContent = lines.length > 0 ? `Logs ${lines.join(" and ")} lines now` : "Logs neither now";
    } catch (error) {
      byId("log-said").textContent = error.message;
    }
  }

  async lameDuck() {
    const sure = await ask("Enter lame duck mode? All clients will be sent away, and the server will end.", "Enter it");
    if (!sure) return;
    try {
      await send("POST", "v1/lame-duck");
      byId("lame-duck-said").textContent = "The server is taking leave of its clients.";
    } catch (error) {
      byId("lame-duck-said").textContent = error.message;
    }
  }
}
