// What is asked of the server. All addresses are relative to the page, so that it works below any path.

/** What the server said instead of an answer. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function answer(response) {
  const type = response.headers.get("content-type") ?? "";
  const content = type.includes("json") ? await response.json() : await response.text();
  if (response.ok) return content;
  const detail = content?.detail ?? content?.error ?? (typeof content === "string" ? content : "");
  throw new Refused(response.status, detail || `${response.status} ${response.statusText}`);
}

/** Asks. */
export async function get(path) {
  return answer(await fetch(path, { headers: { accept: "application/json" }, cache: "no-store" }));
}

/** Has something done. The header tells the server that no page of another site sends this. */
export async function send(method, path, body, type = "application/json", more = {}) {
  const headers = { "x-vagus": "page", ...more };
  const request = { method, headers };
  if (body !== undefined) {
    headers["content-type"] = type;
    request.body = type === "application/json" ? JSON.stringify(body) : body;
  }
  return answer(await fetch(path, request));
}
