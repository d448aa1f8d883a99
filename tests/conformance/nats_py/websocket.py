"""Clients that speak WebSocket."""

import nats.errors
from promises import promise
from server import raises, take

# Beside this file, which is where they run.
_CONFIGURATION = ("-c", "websocket.conf")


async def _ignore(_):
    pass


@promise("clients that speak WebSocket and others hear each other", *_CONFIGURATION)
async def _(server):
    page = await server.connect(addresses=server.websocket, user="page", password="secret")
    other = await server.connect()
    for publisher, subscriber in [(page, other), (other, page), (page, page)]:
        subscription = await subscriber.subscribe("news.*")
        await subscriber.flush()
        for size in [0, 1, 125, 126, 1000, 65_535, 65_536, 1_000_000]:
            payload = bytes(number * 31 % 251 for number in range(size))
            await publisher.publish("news.today", payload, headers={"Size": str(size)})
            (message,) = await take(subscription)
            assert (message.data, message.headers) == (payload, {"Size": str(size)})
        await subscription.unsubscribe()


@promise("requests of clients that speak WebSocket are answered", *_CONFIGURATION)
async def _(server):
    page = await server.connect(addresses=server.websocket, user="page", password="secret")
    other = await server.connect()

    async def answer(message):
        await message.respond(message.data.upper())

    await other.subscribe("upper", cb=answer)
    await other.flush()
    for number in range(100):
        reply = await page.request("upper", b"hello %d" % number, timeout=20)
        assert reply.data == b"HELLO %d" % number
    await raises(nats.errors.NoRespondersError, page.request("nobody", b"", timeout=20))


@promise("many messages come over WebSocket in order, each once", *_CONFIGURATION)
async def _(server):
    page = await server.connect(
        addresses=server.websocket, user="page", password="secret", pending_size=32 * 1024 * 1024
    )
    subscription = await page.subscribe("many", pending_msgs_limit=-1, pending_bytes_limit=-1)
    await page.flush()
    for number in range(20_000):
        await page.publish("many", b"%d" % number)
    received = await take(subscription, 20_000)
    assert [int(message.data) for message in received] == list(range(20_000))


@promise("who may not connect by WebSocket is told so", *_CONFIGURATION)
async def _(server):
    refused = server.connect(
        addresses=server.websocket, user="page", password="wrong", allow_reconnect=False, error_cb=_ignore
    )
    error = await raises(nats.errors.Error, refused)
    assert "authorization violation" in str(error).lower(), error
