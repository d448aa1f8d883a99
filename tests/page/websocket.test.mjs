// What a page in a browser makes of WebSocket, by way of nats.ws, the official client.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Server } from "./server.mjs";

let folder;
let browser;
let site;
let servers = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "vagus-websocket-"));
  const certificate = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", ...certificate,
  ], { stdio: "ignore" });
  const client = await readFile("node_modules/nats.ws/esm/nats.js");
  // A page of nothing, which has the client.
  site = http.createServer((request, response) => {
    const isClient = request.url === "/nats.js";
    response.setHeader("Content-Type", isClient ? "text/javascript" : "text/html");
    response.setHeader("Set-Cookie", "token=secret; SameSite=Lax");
    response.end(isClient ? client : "<!doctype html><link rel=icon href=data:,>");
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  const args = ["--no-sandbox", "--ignore-certificate-errors"];
  browser = await chromium.launch({ executablePath: process.env.BROWSER, args });
});

after(async () => {
  await browser?.close();
  site?.close();
  await Promise.all(servers.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

const origin = () => `http://127.0.0.1:${site.address().port}`;

/** A server that speaks WebSocket, with these settings of it. */
async function serve(websocket, rest = "") {
  const settings = `listen: "127.0.0.1:-1", ${websocket}`;
  const server = await Server.start(`listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nwebsocket { ${settings} }\n${rest}`);
  servers.push(server);
  server.websocket = server.log.match(/Listening for websocket clients on (\S+)/)[1];
  return server;
}

async function open() {
  const page = await browser.newPage();
  await page.goto(origin());
  return page;
}

/** In the page: what it publishes and asks for comes back. */
async function talk(address) {
  const { connect, Empty, headers } = await import("/nats.js");
  const connection = await connect({ servers: address, reconnect: false });
  const subscription = connection.subscribe("page.>");
  const sizes = [0, 1, 125, 126, 4096, 65535, 65536, 300000, 1000000];
  for (const size of sizes) {
    const payload = new Uint8Array(size).map((_, place) => (place * 31) % 251);
    const block = headers();
    block.set("Size", String(size));
    connection.publish("page." + size, payload, { headers: block });
  }
  const received = [];
  for await (const message of subscription) {
    const isRight = message.data.every((byte, place) => byte === (place * 31) % 251);
    received.push([message.data.length, message.headers.get("Size"), isRight]);
    if (received.length === sizes.length) break;
  }
  connection.subscribe("upper", { callback: (_, message) => message.respond(message.string().toUpperCase()) });
  const answers = [];
  for (let number = 0; number < 50; number++) {
    answers.push((await connection.request("upper", "hello " + number, { timeout: 20000 })).string());
  }
  const nobody = await connection.request("nobody", Empty, { timeout: 20000 }).catch((error) => error.code);
  const many = connection.subscribe("many", { max: 20000 });
  for (let number = 0; number < 20000; number++) connection.publish("many", String(number));
  let expected = 0;
  for await (const message of many) {
    if (Number(message.string()) !== expected++) throw new Error("out of order");
  }
  await connection.drain();
  return { received, answers, nobody, many: expected };
}

for (const [name, settings] of [
  ["in clear", () => "no_tls: true"],
  ["compressed", () => "no_tls: true, compression: true"],
  ["by TLS", () => `tls { cert_file: "${folder}/certificate.pem", key_file: "${folder}/key.pem" }`],
]) {
  test(`a page publishes, subscribes and asks ${name}`, async () => {
    const server = await serve(settings());
    const page = await open();
    const told = await page.evaluate(talk, server.websocket);
    const sizes = [0, 1, 125, 126, 4096, 65535, 65536, 300000, 1000000];
    assert.deepEqual(told.received, sizes.map((size) => [size, String(size), true]));
    assert.deepEqual(told.answers, Array.from({ length: 50 }, (_, number) => "HELLO " + number));
    assert.equal(told.nobody, "503");
    assert.equal(told.many, 20000);
    await page.close();
  });
}

test("a page from elsewhere does not get in, and a cookie says who one is", async () => {
  const server = await serve(
    `no_tls: true, allowed_origins: ["${origin()}"], token_cookie: token`, "authorization { token: secret }");
  const attempt = async (address) => {
    const { connect } = await import("/nats.js");
    try {
      const connection = await connect({ servers: address, reconnect: false });
      await connection.flush();
      await connection.close();
      return "in";
    } catch (error) {
      return error.code;
    }
  };
  const page = await open();
  assert.equal(await page.evaluate(attempt, server.websocket), "in");
  await page.goto(origin().replace("127.0.0.1", "localhost"));
  // Browsers do not tell pages why.
  assert.equal(await page.evaluate(attempt, server.websocket), "UNKNOWN_ERROR");
  await server.logged("origin not allowed: not in the allowed list");
  await page.close();
});
