"""Requests and replies."""

import asyncio

import nats.errors
from promises import promise
from server import PATIENCE, nothing_more, raises, take, until


async def _echo(message):
    await message.respond(b"re: " + message.data)


@promise("a request is answered")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()
    await responder.subscribe("service", cb=_echo)
    await responder.flush()
    for _ in range(3):
        reply = await requester.request("service", b"question", timeout=PATIENCE)
        assert reply.data == b"re: question"
    reply = await requester.request("service", b"inbox of its own", timeout=PATIENCE, old_style=True)
    assert reply.data == b"re: inbox of its own"


@promise("1000 requests at once each get their own answer")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()
    await responder.subscribe("service.*", cb=_echo)
    await responder.flush()
    replies = await asyncio.gather(
        *(requester.request(f"service.{n % 10}", str(n).encode(), timeout=PATIENCE) for n in range(1000))
    )
    assert [reply.data for reply in replies] == [f"re: {n}".encode() for n in range(1000)]


@promise("a request that nobody listens to fails at once: no responders")
async def _(server):
    client = await server.connect()
    # A server that stays silent makes this a TimeoutError instead.
    await raises(nats.errors.NoRespondersError, client.request("nobody", b"?", timeout=PATIENCE))
    await raises(nats.errors.NoRespondersError, client.request("nobody", b"?", timeout=PATIENCE, old_style=True))
    await raises(
        nats.errors.NoRespondersError, client.request("nobody", b"?", timeout=PATIENCE, headers={"Key": "value"})
    )


@promise("the no responders answer is an empty message with status 503 on the reply subject")
async def _(server):
    client = await server.connect()
    inbox = client.new_inbox()
    replies = await client.subscribe(inbox)
    await client.publish("nobody", b"?", reply=inbox)
    (reply,) = await take(replies)
    assert (reply.subject, reply.data, reply.headers["Status"]) == (inbox, b"", "503")
    # Without a reply subject there is nobody to tell.
    await client.publish("nobody", b"?")
    await nothing_more(replies, client)


@promise("no responders ends and begins with the interest in a subject")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()
    await raises(nats.errors.NoRespondersError, requester.request("service", timeout=PATIENCE))
    subscription = await responder.subscribe("service", cb=_echo)
    await responder.flush()
    assert (await requester.request("service", b"1", timeout=PATIENCE)).data == b"re: 1"
    await subscription.unsubscribe()
    await responder.flush()
    await raises(nats.errors.NoRespondersError, requester.request("service", timeout=PATIENCE))


@promise("a wildcard or queue subscription is a responder")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()
    await responder.subscribe("wild.>", cb=_echo)
    await responder.subscribe("queued", queue="workers", cb=_echo)
    await responder.flush()
    assert (await requester.request("wild.a.b", b"1", timeout=PATIENCE)).data == b"re: 1"
    assert (await requester.request("queued", b"2", timeout=PATIENCE)).data == b"re: 2"


@promise("a slow responder is waited for")
async def _(server):
    requester = await server.connect()
    responder = await server.connect()
    asked, allowed = asyncio.Event(), asyncio.Event()

    async def answer_when_allowed(message):
        asked.set()
        await until(allowed)
        await message.respond(b"at last")

    await responder.subscribe("slow", cb=answer_when_allowed)
    await responder.flush()
    request = asyncio.create_task(requester.request("slow", timeout=PATIENCE))
    await until(asked)
    await requester.flush()
    assert not request.done()
    allowed.set()
    assert (await request).data == b"at last"


@promise("of several responders the first answer wins")
async def _(server):
    requester = await server.connect()
    first, second = await server.connect(), await server.connect()
    of_first, of_second = await first.subscribe("race"), await second.subscribe("race")
    await first.flush()
    await second.flush()
    request = asyncio.create_task(requester.request("race", timeout=PATIENCE))
    ((to_first,), (to_second,)) = await take(of_first), await take(of_second)
    assert to_first.reply == to_second.reply
    await to_second.respond(b"second was faster")
    assert (await request).data == b"second was faster"
    await to_first.respond(b"too late")
    await first.flush()
    await requester.flush()


@promise("one request may gather the answers of many")
async def _(server):
    requester = await server.connect()
    responders = [await server.connect() for _ in range(10)]
    for name, responder in enumerate(responders):

        async def answer(message, name=name):
            await message.respond(str(name).encode())

        await responder.subscribe("roll.call", cb=answer)
        await responder.flush()
    inbox = requester.new_inbox()
    replies = await requester.subscribe(inbox)
    await requester.publish("roll.call", reply=inbox)
    names = sorted(int(message.data) for message in await take(replies, 10))
    assert names == list(range(10))
