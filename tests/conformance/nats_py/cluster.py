"""Servers with routes to each other, and the clients a promise connects to them."""

import asyncio
from contextlib import AsyncExitStack

from server import HeldPort, Server


class Cluster:
    """Servers of one cluster, each restartable where it was."""

    def __init__(self, binary, size):
        self._held = [HeldPort() for _ in range(size)]
        ports = [held.number for held in self._held]
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
        self.servers = [
            Server(binary, "--cluster_name", "promises", "--cluster", f"nats://127.0.0.1:{port}", "--routes", routes)
            for port in ports
        ]
        self._stack = AsyncExitStack()

    @property
    def errors(self):
        return [error for server in self.servers for error in server.errors]

    async def connect(self, **options):
        """A client connected to any of them."""
        addresses = [server.address for server in self.servers]
        return await self.servers[0].connect(addresses=addresses, **options)

    async def all_connected(self):
        """Returns when no client looks for a server any more: one that is closed meanwhile complains."""
        for client in self.servers[0].clients:
            while not client.is_connected:
                await asyncio.sleep(0.01)
            await client.flush()

    async def __aenter__(self):
        await self._stack.__aenter__()
        for server in self.servers:
            await self._stack.enter_async_context(server)
        return self

    async def __aexit__(self, *raised):
        # Before the first server ends, or they would look for another.
        for client in self.servers[0].clients:
            await client.close()
        await self._stack.__aexit__(*raised)
        for held in self._held:
            held.let_go()

    def log(self):
        """The last lines the servers wrote."""
        return [line for server in self.servers for line in server.log()]
