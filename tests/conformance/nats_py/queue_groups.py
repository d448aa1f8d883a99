"""Queue groups."""

import collections

from promises import promise
from server import nothing_more, take


async def _collect(subscriptions):
    """How often each payload arrived, and how many messages each subscription got."""
    seen, shares = collections.Counter(), []
    for subscription in subscriptions:
        messages = await take(subscription, subscription.pending_msgs)
        seen.update(message.data for message in messages)
        shares.append(len(messages))
    return seen, shares


@promise("each message goes to one member of a queue group, and every member has its share")
async def _(server):
    publisher = await server.connect()
    members = [await server.connect() for _ in range(4)]
    subscriptions = [await member.subscribe("jobs", queue="workers") for member in members]
    for member in members:
        await member.flush()
    for number in range(2000):
        await publisher.publish("jobs", str(number).encode())
    for client in [publisher, *members]:
        await client.flush()
    seen, shares = await _collect(subscriptions)
    assert seen == {str(number).encode(): 1 for number in range(2000)}
    # A share is left to chance; that a member gets nothing of 2000 messages is not.
    assert all(shares), shares


@promise("members of a queue group on one connection share it too")
async def _(server):
    client = await server.connect()
    subscriptions = [await client.subscribe("jobs", queue="workers") for _ in range(3)]
    for number in range(600):
        await client.publish("jobs", str(number).encode())
    await client.flush()
    seen, shares = await _collect(subscriptions)
    assert seen == {str(number).encode(): 1 for number in range(600)}
    assert all(shares), shares


@promise("every queue group and every plain subscription gets its copy")
async def _(server):
    publisher = await server.connect()
    client = await server.connect()
    red = [await client.subscribe("paint", queue="red") for _ in range(2)]
    blue = [await client.subscribe("paint", queue="blue") for _ in range(3)]
    plain = [await client.subscribe("paint") for _ in range(2)]
    await client.flush()
    for number in range(300):
        await publisher.publish("paint", str(number).encode())
    await publisher.flush()
    await client.flush()
    once = {str(number).encode(): 1 for number in range(300)}
    assert (await _collect(red))[0] == once
    assert (await _collect(blue))[0] == once
    for subscription in plain:
        assert (await _collect([subscription]))[0] == once


@promise("a queue group is one group for all its subjects that match a message")
async def _(server):
    client = await server.connect()
    overlapping = [await client.subscribe(subject, queue="workers") for subject in ["store.in", "store.*", ">"]]
    apart = await client.subscribe("store.out", queue="workers")
    for number in range(600):
        await client.publish("store.in", str(number).encode())
    await client.flush()
    seen, shares = await _collect(overlapping)
    assert seen == {str(number).encode(): 1 for number in range(600)}
    assert all(shares), shares
    await nothing_more(apart, client)


@promise("a queue group goes on with the members it has")
async def _(server):
    publisher = await server.connect()
    first, second = await server.connect(), await server.connect()
    of_first = await first.subscribe("jobs", queue="workers")
    await first.flush()

    async def publish(count):
        for number in range(count):
            await publisher.publish("jobs", str(number).encode())
        await publisher.flush()

    await publish(100)
    await take(of_first, 100)

    of_second = await second.subscribe("jobs", queue="workers")
    await second.flush()
    await publish(500)
    await first.flush()
    await second.flush()
    seen, shares = await _collect([of_first, of_second])
    assert sum(seen.values()) == 500 and all(shares), shares

    await of_first.unsubscribe()
    await first.flush()
    await publish(100)
    await take(of_second, 100)
    await nothing_more(of_second, publisher, second)


@promise("a queue group keeps answering while one member's connection is closed")
async def _(server):
    requester = await server.connect()
    answered = collections.Counter()
    members = [await server.connect() for _ in range(3)]
    for name, member in enumerate(members):

        async def answer(message, name=name):
            answered[name] += 1
            await message.respond(str(name).encode())

        await member.subscribe("service", queue="members", cb=answer)
        await member.flush()
    for _ in range(100):
        await requester.request("service", timeout=20)
    assert len(answered) == 3, answered
    # All sockets of the leaving client are closed when this returns, but the server may not have
    # read that yet: only a round trip through the survivors says that they are still served.
    await members[0].drain()
    for _ in range(100):
        reply = await requester.request("service", timeout=20)
        assert reply.data in (b"1", b"2")
