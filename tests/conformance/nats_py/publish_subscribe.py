"""Publishing and subscribing."""

import asyncio
import random

from promises import promise
from server import nothing_more, take


@promise("a subscriber receives the subject, the reply subject and the payload as published")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("orders.new")
    await subscriber.flush()
    await publisher.publish("orders.new", b"42 apples", reply="orders.answer")
    await publisher.publish("orders.new", b"")
    await publisher.publish("orders.old", b"not for us")
    full, empty = await take(subscription, 2)
    assert (full.subject, full.reply, full.data, full.headers) == ("orders.new", "orders.answer", b"42 apples", None)
    assert (empty.subject, empty.reply, empty.data, empty.headers) == ("orders.new", "", b"", None)
    await nothing_more(subscription, publisher, subscriber)


@promise("every client learns of the server and of itself when it connects")
async def _(server):
    first = await server.connect(name="first")
    second = await server.connect(name="second")
    assert first.client_id and second.client_id and first.client_id != second.client_id
    assert first.client_ip == "127.0.0.1"
    assert first.connected_server_version.major == 2
    assert first.max_payload == 1024 * 1024
    await first.rtt()


@promise("what nobody has subscribed to is gone")
async def _(server):
    client = await server.connect()
    await client.publish("late", b"too early")
    await client.flush()
    subscription = await client.subscribe("late")
    await client.publish("late", b"in time")
    (message,) = await take(subscription)
    assert message.data == b"in time"
    await nothing_more(subscription, client)


@promise("a payload may hold any bytes, line ends and protocol lines included")
async def _(server):
    client = await server.connect()
    subscription = await client.subscribe("bytes")
    payloads = [bytes(range(256)), b"\r\n", b"PING\r\n", b"\r\nMSG bytes 1 3\r\nabc\r\n", b"\0"]
    for payload in payloads:
        await client.publish("bytes", payload)
    assert [message.data for message in await take(subscription, len(payloads))] == payloads


@promise("a payload of 1 MiB arrives whole")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("large")
    await subscriber.flush()
    payloads = [random.Random(seed).randbytes(1024 * 1024) for seed in range(8)]
    for payload in payloads:
        await publisher.publish("large", payload)
    received = await take(subscription, len(payloads))
    assert all(message.data == payload for message, payload in zip(received, payloads))


@promise("`*` stands for exactly one token")
async def _(server):
    client = await server.connect()
    middle = await client.subscribe("a.*.c")
    last = await client.subscribe("a.*")
    for subject in ["a.b.c", "a.x.c", "a.c", "a.b", "a", "a.b.d", "a.b.c.d", "b.b.c"]:
        await client.publish(subject)
    assert [message.subject for message in await take(middle, 2)] == ["a.b.c", "a.x.c"]
    assert [message.subject for message in await take(last, 2)] == ["a.c", "a.b"]
    await nothing_more(middle, client)
    await nothing_more(last, client)


@promise("`>` stands for one token or more")
async def _(server):
    client = await server.connect()
    tail = await client.subscribe("a.>")
    everything = await client.subscribe(">")
    for subject in ["a", "a.b", "a.b.c", "b.a", "aa.b"]:
        await client.publish(subject)
    assert [message.subject for message in await take(tail, 2)] == ["a.b", "a.b.c"]
    assert [message.subject for message in await take(everything, 5)] == ["a", "a.b", "a.b.c", "b.a", "aa.b"]
    await nothing_more(tail, client)
    await nothing_more(everything, client)


@promise("subjects are case sensitive and may be written in any script")
async def _(server):
    client = await server.connect()
    lower = await client.subscribe("straße.寿司")
    upper = await client.subscribe("Straße.寿司")
    await client.publish("straße.寿司", b"lower")
    await client.publish("Straße.寿司", b"upper")
    ((of_lower,), (of_upper,)) = await take(lower), await take(upper)
    assert (of_lower.subject, of_lower.data) == ("straße.寿司", b"lower")
    assert (of_upper.subject, of_upper.data) == ("Straße.寿司", b"upper")
    await nothing_more(lower, client)
    await nothing_more(upper, client)


@promise("each of several matching subscriptions of one client gets its own copy")
async def _(server):
    client = await server.connect()
    subscriptions = [await client.subscribe(subject) for subject in ["x.y", "x.y", "x.*", "*.y", "x.>", ">"]]
    await client.publish("x.y", b"once")
    for subscription in subscriptions:
        (message,) = await take(subscription)
        assert (message.subject, message.data) == ("x.y", b"once")
    for subscription in subscriptions:
        await nothing_more(subscription, client)


@promise("a message reaches each of 64 subscribed connections")
async def _(server):
    publisher = await server.connect()
    subscribers = [await server.connect() for _ in range(64)]
    subscriptions = [await subscriber.subscribe("news") for subscriber in subscribers]
    await asyncio.gather(*(subscriber.flush() for subscriber in subscribers))
    for number in range(20):
        await publisher.publish("news", str(number).encode())
    for subscription in subscriptions:
        assert [int(message.data) for message in await take(subscription, 20)] == list(range(20))


@promise("3000 subjects are told apart")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subjects = [f"sensor.{number % 7}.{number}" for number in range(3000)]
    subscriptions = {subject: await subscriber.subscribe(subject) for subject in subjects}
    await subscriber.flush()
    for subject in random.Random(1).sample(subjects, len(subjects)):
        await publisher.publish(subject, subject.encode())
    await publisher.flush()
    await subscriber.flush()
    for subject, subscription in subscriptions.items():
        (message,) = await take(subscription)
        assert (message.subject, message.data) == (subject, subject.encode())
        assert subscription.pending_msgs == 0


@promise("one publisher's messages arrive in the order they were published in, across subjects")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("ordered.>")
    await subscriber.flush()
    for number in range(20_000):
        await publisher.publish(f"ordered.{number % 13}", str(number).encode())
    for number, message in enumerate(await take(subscription, 20_000)):
        assert (message.subject, message.data) == (f"ordered.{number % 13}", str(number).encode())


@promise("a client hears itself, unless it asked not to")
async def _(server):
    talker = await server.connect()
    mute = await server.connect(no_echo=True)
    of_talker = await talker.subscribe("echo")
    of_mute = await mute.subscribe("echo")
    await talker.flush()
    await mute.flush()
    await talker.publish("echo", b"talker")
    await talker.flush()
    await mute.publish("echo", b"mute")
    await mute.flush()
    assert [message.data for message in await take(of_talker, 2)] == [b"talker", b"mute"]
    assert [message.data for message in await take(of_mute)] == [b"talker"]
    await nothing_more(of_mute, talker, mute)


@promise("nothing arrives after unsubscribing")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    received = []

    async def keep(message):
        received.append(message.data)

    leaving = await subscriber.subscribe("stream", cb=keep)
    staying = await subscriber.subscribe("stream")
    await subscriber.flush()
    await publisher.publish("stream", b"1")
    await take(staying)
    await leaving.unsubscribe()
    await subscriber.flush()
    before = subscriber.stats["in_msgs"]
    await publisher.publish("stream", b"2")
    await take(staying)
    await nothing_more(staying, publisher, subscriber)
    assert received == [b"1"]
    assert subscriber.stats["in_msgs"] == before + 1


@promise("unsubscribing with a maximum lets exactly that many messages through")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    limited = await subscriber.subscribe("limited")
    await limited.unsubscribe(limit=3)
    await subscriber.flush()
    for number in range(10):
        await publisher.publish("limited", str(number).encode())
    assert [message.data for message in await take(limited, 3)] == [b"0", b"1", b"2"]
    await publisher.flush()
    await subscriber.flush()
    assert subscriber.stats["in_msgs"] == 3


@promise("a maximum counts what was delivered before it was set")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    limited = await subscriber.subscribe("limited")
    await subscriber.flush()
    for number in range(2):
        await publisher.publish("limited", str(number).encode())
    await take(limited, 2)
    await limited.unsubscribe(limit=4)
    await subscriber.flush()
    for number in range(10):
        await publisher.publish("limited", str(number).encode())
    await take(limited, 2)
    await publisher.flush()
    await subscriber.flush()
    assert subscriber.stats["in_msgs"] == 4

    surpassed = await subscriber.subscribe("surpassed")
    await subscriber.flush()
    for _ in range(5):
        await publisher.publish("surpassed")
    await take(surpassed, 5)
    await surpassed.unsubscribe(limit=3)
    await subscriber.flush()
    await publisher.publish("surpassed")
    await publisher.flush()
    await subscriber.flush()
    assert subscriber.stats["in_msgs"] == 9


@promise("a verbose and a pedantic client are served like any other")
async def _(server):
    verbose = await server.connect(verbose=True)
    pedantic = await server.connect(pedantic=True)
    of_verbose = await verbose.subscribe("any")
    of_pedantic = await pedantic.subscribe("any")
    await verbose.flush()
    await pedantic.flush()
    await verbose.publish("any", b"1")
    await verbose.flush()
    await pedantic.publish("any", b"2")
    assert [message.data for message in await take(of_verbose, 2)] == [b"1", b"2"]
    assert [message.data for message in await take(of_pedantic, 2)] == [b"1", b"2"]
