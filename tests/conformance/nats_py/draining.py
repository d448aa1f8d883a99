"""Draining: leaving without losing a message."""

import asyncio
import collections

from promises import promise
from server import until


class _Member:
    """A connection in the queue group `jobs`/`workers` that keeps what it processed."""

    def __init__(self):
        self.processed = []
        self.busy = asyncio.Event()
        self.closed = asyncio.Event()

    async def join(self, server):
        async def on_closed():
            self.closed.set()

        async def process(message):
            self.processed.append(message.data)
            if len(self.processed) == 200:
                self.busy.set()

        self.client = await server.connect(closed_cb=on_closed)
        self.subscription = await self.client.subscribe("jobs", queue="workers", cb=process)
        await self.client.flush()


async def _load(publisher, until_done):
    """Publishes numbered jobs until the task is done, and 500 more; returns how many."""
    published = 0
    more = 500
    while more:
        await publisher.publish("jobs", str(published).encode())
        published += 1
        if published % 100 == 0:
            await publisher.flush()
        if until_done.done():
            more -= 1
    await publisher.flush()
    return published


def _exactly_once(published, *members):
    seen = collections.Counter(payload for member in members for payload in member.processed)
    missing = [number for number in range(published) if str(number).encode() not in seen]
    assert not missing, f"lost {len(missing)} of {published}, the first: {missing[:5]}"
    twice = [payload for payload, count in seen.items() if count > 1]
    assert not twice, f"processed twice: {twice[:5]}"


@promise("a queue member that drains its connection under load loses nothing")
async def _(server):
    publisher = await server.connect()
    leaving, staying = _Member(), _Member()
    await leaving.join(server)
    await staying.join(server)

    async def leave():
        await until(leaving.busy)
        await leaving.client.drain()

    leave = asyncio.create_task(leave())
    published = await _load(publisher, leave)
    await leave
    await until(leaving.closed)
    await staying.client.drain()
    assert leaving.client.is_closed
    assert len(leaving.processed) >= 200 and len(staying.processed) >= 500
    _exactly_once(published, leaving, staying)


@promise("a queue member that drains its subscription under load loses nothing and stays connected")
async def _(server):
    publisher = await server.connect()
    leaving, staying = _Member(), _Member()
    await leaving.join(server)
    await staying.join(server)

    async def leave():
        await until(leaving.busy)
        await leaving.subscription.drain()

    leave = asyncio.create_task(leave())
    published = await _load(publisher, leave)
    await leave
    await staying.client.drain()
    assert leaving.client.is_connected
    await leaving.client.flush()
    _exactly_once(published, leaving, staying)


@promise("draining a publisher delivers what it had published")
async def _(server):
    publisher = await server.connect()
    subscriber = await server.connect()
    subscription = await subscriber.subscribe("last.words")
    await subscriber.flush()
    for number in range(5000):
        await publisher.publish("last.words", str(number).encode())
    await publisher.drain()
    await subscriber.flush()
    assert subscription.pending_msgs == 5000
