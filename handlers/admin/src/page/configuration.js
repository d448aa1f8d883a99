// What the server is set to.

export class Configuration {
  async refresh() {}
}
