// "Are you sure?"

import { byId } from "./format.js";

/** Whether the answer is yes. */
export function ask(question, yes) {
  const dialog = byId("question");
  byId("question-text").textContent = question;
  byId("question-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
