// What somebody sees and does who opens the page in a browser.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Server } from "./server.mjs";

const PARTS = ["overview", "connections", "accounts", "subjects", "slow", "messages", "configuration", "operations", "endpoints"];
const ANN = { username: "ann", password: "secret" };
const BOB = { username: "bob", password: "look" };

let server;
let browser;
let problems;
let contexts;

before(async () => {
  server = await Server.start();
  browser = await chromium.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

afterEach(async () => {
  await Promise.all((contexts ?? []).map((context) => context.close()));
  contexts = [];
  const found = problems ?? [];
  problems = [];
  assert.deepEqual(found, [], "nothing goes wrong unseen");
});

/** The page at an address. What the browser complains of, and what goes to other hosts, fails the test. */
async function open(address, { login, part = "overview", ...options } = {}) {
  problems ??= [];
  contexts ??= [];
  const context = await browser.newContext({ httpCredentials: login, viewport: { width: 1280, height: 900 }, ...options });
  contexts.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) problems.push("asked for " + request.url());
  });
  await page.goto(part === "overview" ? address : address + "#" + part);
  await page.locator("#health.good").waitFor();
  return page;
}

const row = (page, text) => page.locator("#connections-table tbody tr", { hasText: text });

test("monitoring shows what passes, and nothing that only administrators may", async () => {
  const client = await server.client("sender");
  const page = await open(server.monitoring);
  assert.equal(await page.title(), "page-test – Vagus");
  assert.equal(await page.locator("#tiles dt").count(), 9);
  await page.locator("#tiles div", { hasText: "Connections" }).locator("dd", { hasText: "1" }).waitFor();
  client.send("SUB a 1\r\nPUB a 5\r\nhello");
  await client.until("MSG a 1 5");
  await page.locator("#charts figure:first-child path.first").waitFor();
  await page.locator("#tiles div", { hasText: "Subscriptions" }).locator("dd", { hasText: "1" }).waitFor();
  assert.equal(await page.locator("#charts svg[aria-label*='Messages per second']").count(), 1);
  for (const part of ["messages", "configuration", "operations"]) {
    assert.equal(await page.locator(`nav a[href='#${part}']`).isVisible(), false, part);
  }
  await page.locator("nav a[href='#endpoints']").click();
  for (const path of ["varz", "connz", "healthz", "metrics"]) {
    const link = page.locator(`#endpoint-list a[href='${path}']`);
    assert.equal((await fetch(server.monitoring + (await link.getAttribute("href")))).status, 200, path);
  }
  client.end();
});

test("connections are found, sorted and shown when they have gone", async () => {
  const clients = [await server.client("walker"), await server.client("runner")];
  clients[1].send("SUB x 1\r\nSUB y 2");
  await clients[1].sync();
  const page = await open(server.monitoring, { part: "connections" });
  await row(page, "walker").waitFor();
  await row(page, "runner").waitFor();
  await page.locator("#connections-table th button", { hasText: "Subs" }).click();
  const header = page.locator("#connections-table th", { hasText: "Subs" });
  assert.equal(await header.getAttribute("aria-sort"), "descending");
  const first = page.locator("#connections-table tbody tr:first-child td:nth-child(2)");
  await first.filter({ hasText: "runner" }).waitFor();
  await page.locator("#connections-table th button", { hasText: "Subs" }).press("Enter");
  assert.equal(await header.getAttribute("aria-sort"), "ascending");
  await first.filter({ hasText: "walker" }).waitFor();
  await page.fill("#connections-find", "RUNNER");
  await row(page, "walker").waitFor({ state: "detached" });
  assert.equal(await row(page, "runner").count(), 1);
  clients.forEach((client) => client.end());
  await page.selectOption("#connections-state", "closed");
  await row(page, "runner").filter({ hasText: "Client Closed" }).waitFor();
});

test("an administrator closes a connection, after being asked", async () => {
  const client = await server.client("to-be-closed");
  const page = await open(server.admin, { login: ANN, part: "connections" });
  const button = row(page, "to-be-closed").getByRole("button", { name: /Close connection/ });
  await button.click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await client.sync();
  await button.click();
  await page.getByRole("dialog").getByRole("button", { name: "Close it" }).click();
  await client.closed;
  await row(page, "to-be-closed").waitFor({ state: "detached" });
});

test("somebody who may only look is offered nothing else", async () => {
  const client = await server.client("looked-at");
  const page = await open(server.admin, { login: BOB, part: "connections" });
  await row(page, "looked-at").waitFor();
  assert.equal(await page.getByRole("button", { name: /Close connection/ }).count(), 0);
  assert.equal(await page.locator("nav a:visible").count(), 6);
  assert.match(await page.locator("#role").textContent(), /bob \(read\)/);
  client.end();
});

test("accounts are shown with what they share, and with their users", async () => {
  const page = await open(server.admin, { login: BOB, part: "accounts" });
  const account = (name) => page.locator("#accounts-table tbody tr", { hasText: name });
  await account("MAKERS").waitFor();
  assert.equal(await account("$SYS").getByText("system").count(), 1);
  await account("MAKERS").getByRole("button").click();
  const detail = page.locator("#account-detail");
  await detail.getByText("stream made.> – public").waitFor();
  await detail.getByText("canary → tried 10%").waitFor();
  await detail.getByText("maker (password, publishes not hidden, subscribes to everything)").waitFor();
  assert.ok(!(await page.content()).includes("hush"));
  await account("BUYERS").getByRole("button").press("Enter");
  await detail.getByText("stream made.> of MAKERS as bought.made.>").waitFor();
  assert.equal(await account("BUYERS").getByRole("button").getAttribute("aria-expanded"), "true");
  await account("BUYERS").getByRole("button").click();
  await detail.locator("h3").waitFor({ state: "detached" });
  await page.fill("#accounts-find", "BUY");
  await account("MAKERS").waitFor({ state: "detached" });
  assert.equal(await account("BUYERS").count(), 1);
});

test("messages are published and watched", async () => {
  const client = await server.client("talker");
  client.send("SUB to.client 1");
  await client.sync();
  const page = await open(server.admin, { login: ANN, part: "messages" });
  await page.fill("#subscribe [name=subject]", "from.>");
  await page.click("#subscribe-button");
  await page.locator("#subscribed", { hasText: "0 received" }).waitFor();
  client.send("HPUB from.client answer 17 26\r\nNATS/1.0\r\nA:b\r\n\r\n<b>hello&");
  const received = page.locator("#received li").first();
  await received.filter({ hasText: "from.client" }).waitFor();
  assert.match(await received.textContent(), /reply answer.*26 B.*A: b<b>hello&/s);
  await page.fill("#publish [name=subject]", "to.client");
  await page.fill("#publish [name=headers]", "Trace: 7");
  await page.fill("#publish [name=payload]", "grüße");
  await page.click("#publish button");
  await client.until("grüße");
  assert.match(client.text, /HMSG to\.client 1 22 29\r\nNATS\/1\.0\r\nTrace: 7\r\n\r\ngrüße/);
  await page.locator("#published", { hasText: "delivered" }).waitFor();
  await page.fill("#publish [name=subject]", "nobody.there");
  await page.click("#publish button");
  await page.locator("#published", { hasText: "nobody is subscribed" }).waitFor();
  await page.click("#subscribe-button");
  await page.locator("#subscribed", { hasText: "ended after 1 messages" }).waitFor();
  client.end();
});

test("a configuration is applied only after its difference was shown", async () => {
  const page = await open(server.admin, { login: ANN, part: "configuration" });
  const text = page.locator("#config-text");
  await page.waitForFunction(() => document.getElementById("config-text").value.includes("max_connections"));
  const before = await text.inputValue();
  assert.ok(!before.includes("secret"), "secrets are masked");
  const button = (name) => page.getByRole("button", { name, exact: true });
  assert.equal(await button("Apply").isEnabled(), false);
  await text.fill(before.replace("max_connections: 100", "max_connections: 77"));
  assert.equal(await button("Apply").isEnabled(), false, "it has not been checked");
  await button("Check").click();
  await page.locator("#config-outcome .added", { hasText: "max_connections: 77" }).waitFor();
  await page.locator("#config-outcome li", { hasText: /max_conn.*100.*77/ }).waitFor();
  assert.equal((await (await fetch(server.monitoring + "varz")).json()).max_connections, 100);
  await text.fill(before.replace("max_connections: 100", "max_connections: 78"));
  assert.equal(await button("Apply").isEnabled(), false, "something else has been checked");
  await button("Check").click();
  await page.locator("#config-outcome .added", { hasText: "max_connections: 78" }).waitFor();
  await button("Apply").click();
  await page.locator("#configuration-body .changes li", { hasText: "holds" }).filter({ hasText: "Version 2" }).waitFor();
  assert.equal((await (await fetch(server.monitoring + "varz")).json()).max_connections, 78);
});

test("what cannot be is told where the configuration is written", async () => {
  const page = await open(server.admin, { login: ANN, part: "configuration" });
  const text = page.locator("#config-text");
  await page.waitForFunction(() => document.getElementById("config-text").value.includes("max_connections"));
  await text.fill((await text.inputValue()) + "\ncolour: blue\n");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.locator("#config-outcome .problem", { hasText: /unknown field "colour"/ }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Apply", exact: true }).isEnabled(), false);
  // The browser says itself that the answer was none of success.
  problems = problems.filter((problem) => !problem.includes("422"));
});

test("the log is set", async () => {
  const page = await open(server.admin, { login: ANN, part: "operations" });
  await page.getByLabel("Debug lines").check();
  await page.locator("#log button").click();
  await page.locator("#log-said", { hasText: "Logs debug lines now" }).waitFor();
  const client = await server.client("logged");
  client.end();
  await server.logged("[DBG]");
});

test("lame duck mode is not entered by accident", async () => {
  const page = await open(server.admin, { login: ANN, part: "operations" });
  await page.locator("#lame-duck").click();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").isVisible(), false);
  const client = await server.client("still-welcome");
  client.end();
});

test("everything can be reached by keyboard", async () => {
  const page = await open(server.monitoring);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#connections-table").waitFor();
  assert.equal(await page.locator("nav a[aria-current]").textContent(), "Connections");
  await page.locator("nav a[href='#overview']").press("Enter");
  const chart = page.locator("#charts svg").first();
  await page.waitForFunction(() => document.querySelectorAll("#charts path.first").length > 0);
  await chart.press("ArrowLeft");
  await chart.locator(".cross").waitFor({ state: "attached" });
  await chart.press("Escape");
  await chart.locator(".cross").waitFor({ state: "detached" });
});

test("everything has a name, and text stands out from its ground", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(server.admin, { login: ANN, colorScheme });
    const nameless = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea, button")]
      .filter((field) => !field.labels?.length && !field.textContent.trim() && !field.hasAttribute("aria-label")
        && !field.hasAttribute("aria-labelledby"))
      .map((field) => field.id || field.outerHTML)
      .filter((name) => name !== "question-yes"));
    assert.deepEqual(nameless, []);
    const weak = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const digits = style.getPropertyValue(name).trim().slice(1).match(/../g);
        const [red, green, blue] = digits.map((pair) => {
          const part = parseInt(pair, 16) / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const contrast = (one, other) => {
        const [more, less] = [light(one), light(other)].sort((a, b) => b - a);
        return (more + 0.05) / (less + 0.05);
      };
      const pairs = ["--surface", "--ground"].flatMap((ground) =>
        ["--text", "--quiet", "--accent", "--good", "--bad"].map((ink) => [ink, ground]));
      pairs.push(["--good", "--good-ground"], ["--bad", "--bad-ground"], ["--wait", "--wait-ground"],
        ["--accent-text", "--accent"], ["--text", "--hover"]);
      return pairs.filter(([ink, ground]) => contrast(ink, ground) < 4.5).map((pair) => pair.join(" on "));
    });
    assert.deepEqual(weak, [], colorScheme);
  }
});

test("nothing is cut off on narrow and wide screens", async () => {
  const client = await server.client("a name that is rather long, as names of services in containers are");
  for (const [name, options] of [
    ["narrow", { viewport: { width: 400, height: 860 } }],
    ["dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
    ["wide", { viewport: { width: 1600, height: 1000 } }],
  ]) {
    const page = await open(server.admin, { login: ANN, ...options });
    for (const part of PARTS) {
      await page.evaluate((part) => { location.hash = part; }, part);
      await page.locator("#" + part).waitFor();
      await page.locator(`nav a[href='#${part}'][aria-current]`).waitFor();
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(excess <= 0, `${name} ${part}: ${excess} pixels too wide`);
      if (process.env.SCREENSHOTS) {
        await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${part}.png`) });
      }
    }
  }
  client.end();
});

test("other clusters are shown, with what passes and which are not reached", async () => {
  const far = await Server.startCluster("far", {});
  const near = await Server.startCluster("near", { far: far.gateway, nowhere: 9 });
  try {
    const page = await open(near.monitoring, { part: "gateways" });
    await page.locator("#gateways-note", { hasText: "1 of 2 other clusters are reached; 1 of their servers" }).waitFor();
    const rows = page.locator("#gateways-table tbody tr", { hasText: "far" });
    assert.equal(await rows.count(), 2);
    const there = rows.filter({ hasText: "by the configuration" });
    const subscriber = await far.client("subscriber");
    subscriber.send("SUB passes 1");
    await subscriber.sync();
    const publisher = await near.client("publisher");
    const passes = setInterval(() => publisher.send("PUB passes 5\r\nhello"), 20);
    await there.filter({ hasText: "what is wanted" }).and(page.locator("tr", { hasText: /[1-9]\d/ })).waitFor();
    clearInterval(passes);
    const missed = page.locator("#clusters-table tbody tr", { hasText: "nowhere" });
    await missed.filter({ hasText: /refused/ }).waitFor();
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "gateways.png") });
    await far.stop();
    await page.locator("#clusters-table tbody tr", { hasText: "far" }).waitFor();
    await page.context().close();
    subscriber.end();
    publisher.end();
  } finally {
    for (const server of [near, far]) await server.stop();
  }
});

test("a cluster is drawn, with what passes and whom it misses", async () => {
  const gone = await Server.startMember("gone", []);
  const first = await Server.startMember("east", [gone.routes]);
  const others = [await Server.startMember("west", [first.routes]), await Server.startMember("north", [first.routes])];
  try {
    const subscriber = await others[0].client("subscriber");
    subscriber.send("SUB passes 1");
    await subscriber.sync();
    const page = await open(first.monitoring, { part: "cluster" });
    const picture = page.locator("#cluster-picture");
    await picture.locator(".server.self", { hasText: "east" }).waitFor();
    for (const name of ["gone", "north", "west"]) await picture.locator(".server.reached", { hasText: name }).waitFor();
    const publisher = await first.client("publisher");
    const passes = setInterval(() => publisher.send("PUB passes 5\r\nhello"), 20);
    await picture.locator(".label.reached", { hasText: /out [1-9]/ }).waitFor();
    clearInterval(passes);
    assert.ok((await page.locator("#routes-table tbody tr", { hasText: "west" }).count()) >= 1);
    await page.locator("#missed-table", { hasText: "All are reached." }).waitFor();
    await gone.stop();
    await picture.locator(".label.broken", { hasText: "next attempt in" }).waitFor();
    await page.locator("#missed-table tbody tr", { hasText: `127.0.0.1:${gone.routes}` }).waitFor();
    assert.match(await picture.getAttribute("aria-label"), /^east and 3 others\./);
    for (const name of ["north", "west"]) assert.equal(await picture.locator(".server", { hasText: name }).count(), 1);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "cluster.png") });
    // Wherever it is looked at, nothing hides anything else.
    for (const width of [390, 800, 1400]) {
      await page.setViewportSize({ width, height: 900 });
      const drawn = await picture.evaluate((svg) => new Promise((resolve) => {
        const look = () => {
          const box = svg.getAttribute("viewBox").split(" ");
          if (Number(box[2]) !== svg.clientWidth) return requestAnimationFrame(look);
          const rects = [...svg.querySelectorAll("rect")].map((rect) => rect.getBoundingClientRect());
          resolve(rects.map(({ left, right, top, bottom }) => ({ left, right, top, bottom })));
        };
        look();
      }));
      assert.equal(drawn.length, 7);
      for (const [number, one] of drawn.entries()) {
        assert.ok(one.left >= 0 && one.right <= width, `${width}: ${JSON.stringify(one)}`);
        for (const other of drawn.slice(number + 1)) {
          const apart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
          assert.ok(apart, `${width}: ${JSON.stringify([one, other])}`);
        }
      }
    }
    await page.context().close();
    subscriber.end();
    publisher.end();
  } finally {
    await Promise.all([gone, first, ...others].map((server) => server.stop()));
  }
});

test("connectors are shown, pause and go on", async () => {
  const other = await Server.startWithConnectors();
  try {
    const page = await open(other.admin, { login: ANN, part: "connectors" });
    const connector = (name) => page.locator("#connectors-table tbody tr", { hasText: name });
    await connector("from-lines").getByRole("cell", { name: "JSONLinesToNATS" }).waitFor();
    const client = await other.client("publisher");
    client.send("PUB logs.a 1\r\nx");
    await connector("to-nobody").getByRole("cell", { name: "failing" }).waitFor();
    await connector("to-nobody").getByRole("cell", { name: /refused/ }).waitFor();
    await connector("from-lines").getByRole("button", { name: "Pause" }).click();
    await connector("from-lines").getByRole("cell", { name: "paused" }).waitFor();
    await connector("from-lines").getByRole("button", { name: "Go on" }).click();
    await connector("from-lines").getByRole("cell", { name: "running" }).waitFor();
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "connectors.png") });
    await page.context().close();
    client.end();
  } finally {
    await other.stop();
  }
});

test("streams are shown with their messages and consumers, and emptied after a question", async () => {
  const server = await Server.startWithStreams();
  try {
    const client = await server.client("filler");
    await client.ask("$JS.API.STREAM.CREATE.ORDERS", { name: "ORDERS", subjects: ["orders.*"] });
    for (const subject of ["orders.new", "orders.paid", "orders.sent"]) await client.ask(subject, { of: subject });
    await client.ask("$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.BILLS",
      { stream_name: "ORDERS", config: { durable_name: "BILLS", ack_policy: "explicit" } });
    await client.ask("$JS.API.STREAM.CREATE.KV_B", { name: "KV_B", subjects: ["$KV.B.>"], max_msgs_per_subject: 5 });
    await client.ask("$KV.B.limits.eu", { at: 5 });

    const page = await open(server.admin, { login: ANN, part: "streams" });
    const stream = (name) => page.locator("#streams-table tbody tr", { hasText: name });
    await stream("ORDERS").getByRole("button").click();
    const detail = page.locator("#stream-detail");
    await detail.locator(".message").getByText('"of": "orders.sent"').waitFor();
    await detail.getByRole("button", { name: "Message before" }).click();
    await detail.locator(".message").getByText('"of": "orders.paid"').waitFor();
    await detail.getByRole("button", { name: "orders.new" }).click();
    await detail.locator(".message").getByText('"of": "orders.new"').waitFor();

    await detail.getByRole("button", { name: "Consumers" }).click();
    await detail.getByText("no client asks for messages").waitFor();
    await detail.getByRole("button", { name: "Pause… BILLS" }).click();
    await page.locator("#question-yes").click();
    await detail.getByRole("cell", { name: /paused for/ }).waitFor();
    await detail.getByRole("button", { name: "Go on BILLS" }).click();
    await detail.getByText("no client asks for messages").waitFor();

    await detail.getByRole("button", { name: "Remove messages…" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.match(await detail.locator("dl").textContent(), /Messages3/);
    await detail.getByRole("button", { name: "Remove messages…" }).click();
    await page.locator("#question-yes").click();
    await detail.getByText("3 messages have gone").waitFor();

    await stream("KV_B").getByRole("button").click();
    await detail.getByRole("button", { name: "limits.eu" }).click();
    await detail.locator(".message").getByText('"at": 5').waitFor();
    await detail.getByRole("button", { name: "Delete stream…" }).click();
    await page.locator("#question-yes").click();
    await stream("KV_B").waitFor({ state: "detached" });

    const looking = await open(server.admin, { login: BOB, part: "streams" });
    await looking.locator("#streams-table tbody tr", { hasText: "ORDERS" }).getByRole("button").click();
    await looking.getByText("What messages say is shown to administrators.").waitFor();
    assert.equal(await looking.locator("#stream-detail button.danger").count(), 0);
    await Promise.all([page.close(), looking.close()]);
    client.end();
  } finally {
    await server.stop();
  }
});

test("what a server begins and ends to have is offered as long as it has it", async () => {
  const server = await Server.startWithoutStreams();
  try {
    const page = await open(server.admin, { login: ANN });
    const link = page.locator("nav a", { hasText: "Streams" });
    assert.equal(await link.isVisible(), false);
    await server.setStreams(true);
    await link.click();
    await page.locator("#streams-table").waitFor();
    await server.setStreams(false);
    await link.waitFor({ state: "hidden" });
    await page.locator("#overview").waitFor();
    assert.equal(await page.locator("#streams").isVisible(), false);
    await page.context().close();
  } finally {
    await server.stop();
  }
});

test("that the server is gone is said", async () => {
  const other = await Server.start();
  try {
    const page = await open(other.monitoring);
    await other.stop();
    await page.locator("#health.bad", { hasText: "not reached" }).waitFor();
    await page.locator("#notice", { hasText: "does not answer" }).waitFor();
  } finally {
    if (other.process.exitCode === null) await other.stop();
  }
  problems = problems.filter((problem) => !problem.includes("ERR_"));
});
