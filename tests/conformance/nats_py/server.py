"""A server process, and the clients a promise connects to it."""

import asyncio
import re
import signal
import socket

from nats.aio.client import Client

# Only a bound on how long a broken server can hold up the run: nothing is measured with it.
PATIENCE = 20

_SPEAKING_WEBSOCKET = re.compile(r"Listening for websocket clients on (wss?://\S+)")


class OrderlyClient(Client):
    """nats-py as it is, but for one thing: its flush() is a barrier.

    nats-py writes the PING of a flush past what it still has buffered, so that the PONG says nothing
    about it, and a drain may forget a subscription before the server has read its UNSUB.
    """

    async def _send_ping(self, future=None):
        await self._flush_pending(force_flush=True)
        await super()._send_ping(future)


class HeldPort:
    """A port of the loopback interface that is given to nobody else, but to a server that is told to listen there."""

    def __init__(self):
        self._socket = socket.socket()
        # It is bound and does not listen, which has others listen that share the address on purpose.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]

    def let_go(self):
        self._socket.close()


class Server:
    """One server on a port of its own of the loopback interface, restartable on the same port."""

    def __init__(self, binary, *arguments):
        self._held = HeldPort()
        self.port = self._held.number
        # Where clients connect that speak WebSocket, if any may.
        self.websocket = None
        self.errors = []
        self._binary = binary
        self._arguments = arguments
        self._process = None
        self._reader = None
        self._log = []
        self.clients = []

    async def start(self):
        """Starts the process; returns once it says that it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            self._binary,
            "-a",
            "127.0.0.1",
            "-p",
            str(self.port),
            *self._arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read_log(self._process.stderr, ready))
        await asyncio.wait_for(ready, PATIENCE)

    async def _read_log(self, lines, ready):
        """Reads to the end: a server must never wait for room in this pipe."""
        async for line in lines:
            text = line.decode(errors="replace").rstrip()
            self._log.append(text)
            websocket = _SPEAKING_WEBSOCKET.search(text)
            if websocket:
                self.websocket = websocket.group(1)
            if "Server is ready" in text and not ready.done():
                ready.set_result(None)
        if not ready.done():
            ready.set_exception(RuntimeError("the server ended before it was ready:\n" + "\n".join(self._log)))

    async def end(self, with_signal=signal.SIGKILL):
        """Ends the process, and returns when it is gone."""
        if self._process is None:
            # It was no program.
            return
        if self._process.returncode is None:
            self._process.send_signal(with_signal)
        await asyncio.wait_for(self._process.wait(), PATIENCE)
        await self._reader

    @property
    def address(self):
        return f"nats://127.0.0.1:{self.port}"

    async def connect(self, client_type=OrderlyClient, addresses=None, **options):
        """A connected client, closed with the server; connected to any of the addresses, if there are some.

        What it reports through its error callback, unless the promise takes that itself, fails the promise.
        """

        async def keep(error):
            self.errors.append(error)

        client = client_type()
        options.setdefault("error_cb", keep)
        options.setdefault("reconnect_time_wait", 0.02)
        options.setdefault("max_reconnect_attempts", -1)
        options.setdefault("connect_timeout", PATIENCE)
        await client.connect(addresses or self.address, **options)
        self.clients.append(client)
        return client

    async def __aenter__(self):
        try:
            await self.start()
        except BaseException:
            await self.end()
            raise
        return self

    async def __aexit__(self, *_):
        try:
            for client in self.clients:
                await client.close()
        finally:
            await self.end()
            self._held.let_go()

    def log(self):
        """The last lines the server wrote."""
        return self._log[-20:]


async def take(subscription, count=1):
    """The next `count` messages of a subscription."""
    return [await subscription.next_msg(timeout=PATIENCE) for _ in range(count)]


async def nothing_more(subscription, *clients):
    """Asserts that no further message came.

    `clients` are the publisher and, last, the subscriber: when both had their PONG, in that order,
    everything published before is either here or will never come.
    """
    for client in clients:
        await client.flush()
    assert subscription.pending_msgs == 0, f"{subscription.pending_msgs} messages too many on {subscription.subject}"


async def until(event):
    """Waits for an asyncio.Event."""
    await asyncio.wait_for(event.wait(), PATIENCE)


async def raises(error_type, awaitable):
    """Asserts that `awaitable` fails with `error_type`, and returns the error."""
    try:
        result = await awaitable
    except error_type as error:
        return error
    raise AssertionError(f"expected {error_type.__name__}, got {result!r}")
