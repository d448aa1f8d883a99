"""Clients whose server goes away and comes back on the same port."""

import asyncio
import signal

from promises import promise
from server import PATIENCE, nothing_more, take, until


class _Guest:
    """A client that notes when it loses and regains its server."""

    def __init__(self):
        self.lost = asyncio.Event()
        self.back = asyncio.Event()

    async def connect(self, server, **options):
        async def on_lost():
            self.lost.set()

        async def on_back():
            self.back.set()

        async def ignore(_):
            # Refused connections while there is no server.
            pass

        self.client = await server.connect(
            disconnected_cb=on_lost, reconnected_cb=on_back, error_cb=ignore, **options
        )
        return self.client


async def _restart(server, guests, with_signal):
    await server.end(with_signal)
    for guest in guests:
        await until(guest.lost)
    await server.start()
    for guest in guests:
        await until(guest.back)


async def _subscriptions_come_back(server, with_signal, **options):
    guests = [_Guest() for _ in range(3)]
    publisher, subscriber, worker = [await guest.connect(server, **options) for guest in guests]

    async def echo(message):
        await message.respond(message.data)

    plain = await subscriber.subscribe("plain")
    wildcard = await subscriber.subscribe("wild.>")
    queued = [await client.subscribe("jobs", queue="workers") for client in (subscriber, worker)]
    await worker.subscribe("service", cb=echo)
    await subscriber.flush()
    await worker.flush()

    async def traffic():
        await publisher.publish("plain", b"1")
        await publisher.publish("wild.a.b", b"2", headers={"Key": "value"})
        for _ in range(100):
            await publisher.publish("jobs")
        assert (await publisher.request("service", b"3", timeout=PATIENCE)).data == b"3"
        await subscriber.flush()
        await worker.flush()
        assert [message.data for message in await take(plain)] == [b"1"]
        assert [(message.data, message.headers) for message in await take(wildcard)] == [(b"2", {"Key": "value"})]
        shares = [subscription.pending_msgs for subscription in queued]
        for subscription, share in zip(queued, shares):
            await take(subscription, share)
        assert sum(shares) == 100 and all(shares), shares

    await traffic()
    await _restart(server, guests, with_signal)
    await traffic()


@promise("after the server was killed and restarted, subscriptions come back and traffic goes on")
async def _(server):
    await _subscriptions_come_back(server, signal.SIGKILL)


@promise("after the server was asked to end and restarted, subscriptions come back and traffic goes on")
async def _(server):
    await _subscriptions_come_back(server, signal.SIGTERM)


@promise("clients with a token come back too", "--auth", "s3cret")
async def _(server):
    await _subscriptions_come_back(server, signal.SIGKILL, token="s3cret")


@promise("what a client publishes while it has no server is delivered when it is back")
async def _(server):
    guest = _Guest()
    client = await guest.connect(server)
    subscription = await client.subscribe("patience")
    await client.flush()
    await server.end()
    await until(guest.lost)
    for number in range(10):
        await client.publish("patience", str(number).encode())
    await server.start()
    await until(guest.back)
    assert [int(message.data) for message in await take(subscription, 10)] == list(range(10))


@promise("a subscription with a maximum gets only the rest after a restart")
async def _(server):
    guest = _Guest()
    client = await guest.connect(server)
    publisher_guest = _Guest()
    publisher = await publisher_guest.connect(server)
    limited = await client.subscribe("limited")
    await limited.unsubscribe(limit=5)
    await client.flush()
    for number in range(2):
        await publisher.publish("limited", str(number).encode())
    await take(limited, 2)
    await _restart(server, [guest, publisher_guest], signal.SIGKILL)
    for number in range(2, 12):
        await publisher.publish("limited", str(number).encode())
    assert [int(message.data) for message in await take(limited, 3)] == [2, 3, 4]
    await nothing_more(limited, publisher, client)
    assert client.stats["in_msgs"] == 5


@promise("a client reconnects when it wants to, and its subscriptions with it")
async def _(server):
    guest = _Guest()
    client = await guest.connect(server)
    publisher = await server.connect()
    subscription = await client.subscribe("plain")
    await client.flush()
    before = client.client_id
    await client.force_reconnect()
    await until(guest.back)
    assert client.client_id != before
    await publisher.publish("plain", b"found again")
    assert [message.data for message in await take(subscription)] == [b"found again"]
    await nothing_more(subscription, publisher, client)
