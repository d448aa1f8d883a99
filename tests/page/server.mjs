// A server of our own, and raw clients of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CONFIGURATION = `
server_name: "page-test"
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
max_pending: 1MB
max_connections: 100
accounts {
  MAKERS {
    users: [{ user: maker, password: hush, permissions: { publish: { deny: [hidden] } } }]
    exports: [{ stream: "made.>" }]
    mappings { canary: [{ destination: tried, weight: 10% }] }
  }
  BUYERS { imports: [{ stream: { account: MAKERS, subject: "made.>" }, prefix: bought }] }
}
authorization { users: [{ user: anybody, password: anybody }] }
no_auth_user: anybody
admin {
  listen: "127.0.0.1:-1"
  users: [
    { user: ann, password: secret, role: admin }
    { user: bob, password: look, role: read }
  ]
}
`;

/** Of a server in a cluster, which connects to these. */
const member = (name, routes) => `
server_name: "${name}"
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
cluster {
  name: "page-tests"
  listen: "127.0.0.1:-1"
  routes: ${JSON.stringify(routes.map((port) => "nats-route://127.0.0.1:" + port))}
}
`;

/** Of a cluster that is connected to those at these ports. */
const cluster = (name, others) => `
server_name: "of-${name}"
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
gateway {
  name: "${name}"
  listen: "127.0.0.1:-1"
  gateways: [${Object.entries(others).map(([other, port]) => `{ name: "${other}", url: "nats://127.0.0.1:${port}" }`).join(", ")}]
}
`;

/** With connectors, and an administrator. */
const CONNECTORS = `
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
admin { listen: "127.0.0.1:-1", users: [{ user: ann, password: secret, role: admin }] }
connectors: [
  { id: "from-lines", type: "JSONLinesToNATS", listen: "127.0.0.1:-1", subject: "lines" }
  { id: "to-nobody", type: "NATSToForward", subject: "logs.>", servers: ["127.0.0.1:9"] }
]
`;

/** That keeps streams there, for an administrator and somebody who may look. */
const streams = (folder) => `
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
store_dir: ${JSON.stringify(folder)}
jetstream: enabled
admin {
  listen: "127.0.0.1:-1"
  users: [{ user: ann, password: secret, role: admin }, { user: bob, password: look, role: read }]
}
`;

const withoutStreams = (folder) => streams(folder).replace("jetstream: enabled", "");

export class Server {
  static async startWithStreams() {
    const folder = await mkdtemp(join(tmpdir(), "vagus-page-streams-"));
    const server = await Server.start(streams(folder));
    server.kept = folder;
    return server;
  }

  static startWithConnectors() {
    return Server.start(CONNECTORS);
  }

  /** That may begin to keep streams: see `setStreams`. */
  static async startWithoutStreams() {
    const folder = await mkdtemp(join(tmpdir(), "vagus-page-streams-"));
    const server = await Server.start(withoutStreams(folder));
    server.kept = folder;
    return server;
  }

  /** Has it keep streams, or none, from now on. */
  async setStreams(keeps) {
    const configuration = keeps ? streams : withoutStreams;
    await writeFile(join(this.folder, "page.conf"), configuration(this.kept));
    this.process.kill("SIGHUP");
  }

  /** In a cluster, with routes to the servers at these ports. */
  static startMember(name, routes) {
    return Server.start(member(name, routes));
  }

  /** A cluster of its own, which knows the others at these ports. */
  static startCluster(name, others) {
    return Server.start(cluster(name, others));
  }

  static async start(configuration = CONFIGURATION) {
    const server = new Server();
    server.folder = await mkdtemp(join(tmpdir(), "vagus-page-"));
    const file = join(server.folder, "page.conf");
    await writeFile(file, configuration);
    server.process = spawn(process.env.BINARY, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    server.log = "";
    server.process.stderr.setEncoding("utf8");
    const ready = new Promise((resolve, reject) => {
      server.process.stderr.on("data", (text) => {
        server.log += text;
        server.process.emit("logged");
      });
      server.process.on("exit", () => reject(new Error("the server has ended:\n" + server.log)));
      server.logged("Server is ready").then(resolve);
    });
    await ready;
    const port = (words) => Number(server.log.match(new RegExp(words + " on \\S+:(\\d+)"))[1]);
    server.clients = port("Listening for client connections");
    server.monitoring = `http://127.0.0.1:${port("Starting http monitor")}/`;
    if (configuration.includes("admin {")) server.admin = `http://127.0.0.1:${port("Starting admin service")}/`;
    if (configuration.includes("cluster {")) server.routes = port("Listening for route connections");
    if (configuration.includes("gateway {")) server.gateway = port("Listening for gateways connections");
    return server;
  }

  /** Waits until the log has these words. */
  async logged(words) {
    while (!this.log.includes(words)) await once(this.process, "logged");
  }

  async stop() {
    if (this.process.exitCode === null) {
      this.process.kill();
      await once(this.process, "exit");
    }
    await rm(this.folder, { recursive: true, force: true });
    if (this.kept) await rm(this.kept, { recursive: true, force: true });
  }

  async client(name) {
    const client = new Client(net.connect(this.clients, "127.0.0.1"));
    await client.until("INFO ");
    client.send(`CONNECT {"name":"${name}","lang":"raw","version":"1","verbose":false,"headers":true}`);
    await client.sync();
    return client;
  }
}

/** A connection that keeps what it is sent. */
class Client {
  constructor(socket) {
    this.socket = socket;
    this.text = "";
    this.waiting = [];
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      this.text += text;
      this.look();
    });
    socket.on("error", () => {});
    this.closed = once(socket, "close");
  }

  look() {
    this.waiting = this.waiting.filter(({ words, resolve }) => {
      const found = this.text.includes(words);
      if (found) resolve();
      return !found;
    });
  }

  until(words) {
    return new Promise((resolve) => {
      this.waiting.push({ words, resolve });
      this.look();
    });
  }

  send(line) {
    this.socket.write(line + "\r\n");
  }

  async sync() {
    this.text = "";
    this.send("PING");
    await this.until("PONG");
  }

  /** What is answered to a request: JSON in, JSON out. */
  async ask(subject, request) {
    this.asked = (this.asked ?? 0) + 1;
    const inbox = `answers.${this.asked}`;
    const body = JSON.stringify(request);
    this.send(`SUB ${inbox} ${this.asked}`);
    await this.sync();
    this.send(`PUB ${subject} ${inbox} ${Buffer.byteLength(body)}\r\n${body}`);
    await this.until(`MSG ${inbox} `);
    await this.sync();
  }

  end() {
    this.socket.destroy();
  }
}
