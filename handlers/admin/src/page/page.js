// What is shown, and how often it is asked for.

import { Accounts } from "./accounts.js";
import { Configuration } from "./configuration.js";
import { Cluster } from "./cluster.js";
import { Connections } from "./connections.js";
import { Connectors } from "./connectors.js";
import { byId, clock } from "./format.js";
import { Gateways } from "./gateways.js";
import { LeafNodes } from "./leafnodes.js";
import { Messages } from "./messages.js";
import { Operations } from "./operations.js";
import { Overview, introduce, sampleOf } from "./overview.js";
import { get } from "./server.js";
import { Streams } from "./streams.js";
import { Subjects } from "./subjects.js";

const INTERVAL = 2000;

const session = await get("v1/session").catch(() => ({ role: "read", administration: false }));
const isAdministrator = session.role === "admin" && session.administration;
const overview = new Overview();
const parts = {
  connections: new Connections(isAdministrator),
  subjects: new Subjects(),
};
if (isAdministrator) {
  Object.assign(parts, {
    messages: new Messages(),
    configuration: new Configuration(),
    operations: new Operations(),
  });
  document.querySelectorAll("nav [data-admin]").forEach((link) => { link.hidden = false; });
}
if (session.administration) {
  parts.accounts = new Accounts();
  document.querySelectorAll("nav [data-administration]").forEach((link) => { link.hidden = false; });
  byId("role").hidden = false;
  byId("role").textContent = session.user ? `${session.user} (${session.role})` : session.role;
}
if ((await get("clusterz").catch(() => ({}))).name !== undefined) {
  parts.cluster = new Cluster();
  document.querySelector("nav [data-cluster]").hidden = false;
}
byId("openapi").hidden = !session.administration;

/** Parts that a server may have or not, and begin and end to have while it runs. */
const optional = {
  leafnodes: {
    isThere: ({ leaf }) => leaf?.port !== undefined || leaf?.remotes !== undefined,
    make: () => new LeafNodes(),
  },
  gateways: { isThere: ({ gateway }) => gateway?.name !== undefined, make: () => new Gateways() },
  streams: {
    isThere: ({ jetstream }) => session.administration && jetstream?.config !== undefined,
    make: () => new Streams(isAdministrator),
  },
  connectors: { isThere: ({ connectors }) => connectors !== undefined, make: () => new Connectors(isAdministrator) },
};
offer(await get("varz").catch(() => ({})));

let varz = null;
let shown = "overview";
let events = null;

/** Has the parts be chosen from that the server has; true if what is shown is none of them any more. */
function offer(varz) {
  let isGone = false;
  for (const [name, { isThere, make }] of Object.entries(optional)) {
    const link = document.querySelector(`nav [data-${name}]`);
    link.hidden = !isThere(varz);
    if (link.hidden) {
      isGone ||= link.hasAttribute("aria-current");
      link.removeAttribute("aria-current");
      byId(name).hidden = true;
    } else {
      parts[name] ??= make();
    }
  }
  return isGone;
}

/** Shows the part that the address names. */
function navigate() {
  const links = [...document.querySelectorAll("nav a:not([hidden])")];
  const wanted = links.find((link) => link.hash === location.hash) ?? links[0];
  shown = wanted.hash.slice(1);
  for (const link of links) {
    if (link === wanted) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    byId(link.hash.slice(1)).hidden = link !== wanted;
  }
  wanted.scrollIntoView({ block: "nearest", inline: "nearest" });
  // The browser goes to the part itself, which the head of the page would cover.
  scrollTo(0, 0);
  overview.draw();
  refresh();
}

/** Rates as they are measured, and those from before the page was opened. */
function follow() {
  events = new EventSource("v1/events");
  events.addEventListener("history", (event) => overview.begin(JSON.parse(event.data)));
  events.addEventListener("sample", (event) => overview.sample(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    // The browser tries again by itself, unless it was told not to.
    if (events.readyState === EventSource.CLOSED) {
      events = null;
      setTimeout(follow, 30000);
    }
  });
}

async function refresh() {
  try {
    varz = await get("varz");
    introduce(varz);
    if (offer(varz)) return navigate();
    if (!events || events.readyState !== EventSource.OPEN) overview.sample(sampleOf(varz));
    const slow = varz.slow_consumers ?? 0;
    byId("slow-count").hidden = slow === 0;
    byId("slow-count").textContent = slow;
    if (shown === "slow") await parts.connections.refreshSlow(varz.max_pending);
    else await parts[shown]?.refresh?.();
    tell("good", varz.lame_duck_mode ? "lame duck" : "serving");
    byId("refreshed").textContent = `As of ${clock(Date.now())}`;
    byId("notice").hidden = true;
  } catch (error) {
    const reached = error.status !== undefined;
    tell("bad", reached ? "refused" : "not reached");
    byId("notice").hidden = false;
    byId("notice").textContent = reached ? error.message : "The server does not answer. It is asked again every few seconds.";
  }
}

function tell(kind, text) {
  byId("health").className = "badge " + kind;
  byId("health").textContent = text;
}

async function keepRefreshing() {
  if (!document.hidden) await refresh();
  setTimeout(keepRefreshing, INTERVAL);
}

addEventListener("hashchange", navigate);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
follow();
navigate();
setTimeout(keepRefreshing, INTERVAL);
