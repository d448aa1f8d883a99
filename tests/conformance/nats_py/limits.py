"""What a server refuses to carry."""

import asyncio

import nats.errors
from promises import promise
from server import nothing_more, raises, take, until


@promise("a payload of exactly max_payload passes, and a larger one is an error to its publisher")
async def _(server):
    client = await server.connect()
    subscription = await client.subscribe("large")
    largest = b"x" * client.max_payload
    await client.publish("large", largest)
    (message,) = await take(subscription)
    assert message.data == largest
    await raises(nats.errors.MaxPayloadError, client.publish("large", largest + b"x"))
    await client.publish("large", b"still here")
    (message,) = await take(subscription)
    assert message.data == b"still here"


@promise("a publisher whose headers and payload exceed max_payload is cut off, and nobody else")
async def _(server):
    closed = asyncio.Event()

    async def on_closed():
        closed.set()

    async def ignore(_):
        pass

    offender = await server.connect(allow_reconnect=False, closed_cb=on_closed, error_cb=ignore)
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("large")
    await subscriber.flush()
    # nats-py looks at the payload alone: the server has to say no.
    await offender.publish("large", b"x" * offender.max_payload, headers={"One": "too many"})
    await until(closed)
    await publisher.publish("large", b"unharmed")
    (message,) = await take(subscription)
    assert message.data == b"unharmed"
    await nothing_more(subscription, publisher, subscriber)


@promise("headers count: a message of exactly max_payload with its headers passes")
async def _(server):
    client = await server.connect()
    subscription = await client.subscribe("large")
    block = b"NATS/1.0\r\nKey: value\r\n\r\n"
    payload = b"x" * (client.max_payload - len(block))
    await client.publish("large", payload, headers={"Key": "value"})
    (message,) = await take(subscription)
    assert (message.headers, message.data) == ({"Key": "value"}, payload)


@promise("a subscription to a malformed subject is refused by name")
async def _(server):
    closed = asyncio.Event()

    async def on_closed():
        closed.set()

    for subject in ["foo..bar", ".foo", "foo.", "foo.>.bar"]:
        closed.clear()
        client = await server.connect(skip_subject_validation=True, allow_reconnect=False, closed_cb=on_closed)
        # nats-py closes on any error of this kind, and keeps it as its last.
        await client.subscribe(subject)
        await until(closed)
        assert "invalid subject" in str(client.last_error).lower(), client.last_error
