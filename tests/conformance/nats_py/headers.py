"""Message headers."""

from promises import promise
from server import PATIENCE, OrderlyClient, take


class _Fields:
    """Header fields in order, with repeated keys: all a nats-py client asks of headers is their items."""

    def __init__(self, *fields):
        self._fields = fields

    def items(self):
        return self._fields


class _BlockKeeper(OrderlyClient):
    """A client that keeps header blocks as they came: nats-py itself keeps one value a key."""

    def __init__(self):
        super().__init__()
        self.blocks = []

    async def _process_headers(self, headers):
        self.blocks.append(bytes(headers))
        return await super()._process_headers(headers)


@promise("headers travel with a message, whatever its payload")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("letters")
    await subscriber.flush()
    fields = {"From": "here", "to": "there", "X-Colon": "a: b: c", "Empty": "", "Greeting": "Grüße, 寿司"}
    for payload in [b"", b"text", b"\r\n\r\n", bytes(range(256))]:
        await publisher.publish("letters", payload, headers=fields, reply="letters.answer")
        (message,) = await take(subscription)
        assert (message.headers, message.data, message.reply) == (fields, payload, "letters.answer")
    await publisher.publish("letters", b"bare")
    (message,) = await take(subscription)
    assert (message.headers, message.data) == (None, b"bare")


@promise("header blocks are passed on as they came: repeated keys, order, case and empty values")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect(client_type=_BlockKeeper)
    subscription = await subscriber.subscribe("letters")
    await subscriber.flush()
    fields = _Fields(("Key", "one"), ("key", "two"), ("Other", ""), ("Key", "three"))
    await publisher.publish("letters", b"payload", headers=fields)
    (message,) = await take(subscription)
    assert message.data == b"payload"
    assert subscriber.blocks == [b"NATS/1.0\r\nKey: one\r\nkey: two\r\nOther: \r\nKey: three\r\n\r\n"]


@promise("headers travel both ways between requester and responder")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()

    async def answer(message):
        headers = {"Seen": message.headers["Question"], "Empty": ""} if message.headers else None
        await responder.publish(message.reply, message.data, headers=headers)

    await responder.subscribe("service", cb=answer)
    await responder.flush()
    with_headers = await requester.request("service", b"1", headers={"Question": "why?"}, timeout=PATIENCE)
    assert (with_headers.headers, with_headers.data) == ({"Seen": "why?", "Empty": ""}, b"1")
    without = await requester.request("service", b"2", timeout=PATIENCE)
    assert (without.headers, without.data) == (None, b"2")


@promise("a block of 1000 header fields arrives whole")
async def _(server):
    client = await server.connect()
    subscription = await client.subscribe("letters")
    fields = {f"Key-{number}": "v" * number for number in range(1000)}
    await client.publish("letters", b"payload", headers=fields)
    (message,) = await take(subscription)
    assert (message.headers, message.data) == (fields, b"payload")


@promise("headers reach queue groups and wildcard subscriptions too")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscriptions = [
        await subscriber.subscribe("letters.a"),
        await subscriber.subscribe("letters.*"),
        await subscriber.subscribe("letters.a", queue="readers"),
    ]
    await subscriber.flush()
    await publisher.publish("letters.a", b"payload", headers={"Key": "value"})
    for subscription in subscriptions:
        (message,) = await take(subscription)
        assert (message.headers, message.data) == ({"Key": "value"}, b"payload")
