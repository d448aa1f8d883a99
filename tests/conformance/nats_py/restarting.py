"""A cluster whose servers are restarted one after the other, while clients go on."""

import asyncio
import signal
from collections import Counter

from promises import promise
from server import PATIENCE

# Who has no answer by then asks something else.
_SOON = 0.5

# How many requests are answered between two events.
_SOME = 50


class _Ledger:
    """What happened to requests, by their numbers."""

    def __init__(self):
        self.is_over = False
        self.asked = 0
        self.done = Counter()
        self.answers = Counter()
        self.more = asyncio.Event()

    async def some_more(self):
        """Returns when some more requests have been answered."""
        wanted = len(self.answers) + _SOME

        async def grow():
            while len(self.answers) < wanted:
                self.more.clear()
                await self.more.wait()

        await asyncio.wait_for(grow(), PATIENCE)


async def _ask(client, name, ledger):
    """Asks one thing after the other, none of them twice."""
    answers = await client.subscribe(f"answers.{name}")
    while not ledger.is_over:
        number = str(ledger.asked).encode()
        ledger.asked += 1
        await client.publish("work", number, reply=f"answers.{name}")
        loop = asyncio.get_running_loop()
        until = loop.time() + _SOON
        while loop.time() < until:
            try:
                answer = await answers.next_msg(timeout=until - loop.time())
            except asyncio.TimeoutError:
                break
            if answer.headers and answer.headers.get("Status") == "503":
                # That nobody works at the moment is no answer.
                break
            ledger.answers[answer.data] += 1
            ledger.more.set()
            if answer.data == number:
                break


@promise("while servers of a cluster are restarted one after the other, each answered request is answered once", servers=3)
async def _(cluster):
    async def ignore(_):
        # Refused connections while there is no server.
        pass

    ledger = _Ledger()

    async def work(request):
        ledger.done[request.data] += 1
        await request.respond(request.data)

    for _ in range(3):
        worker = await cluster.connect(error_cb=ignore)
        await worker.subscribe("work", queue="workers", cb=work)
        await worker.flush()
    asking = [asyncio.create_task(_ask(await cluster.connect(error_cb=ignore), name, ledger)) for name in range(2)]
    try:
        for server in cluster.servers:
            await ledger.some_more()
            await server.end(signal.SIGTERM)
            await ledger.some_more()
            await server.start()
        await ledger.some_more()
    finally:
        # They are not cancelled: nats-py may lose that.
        ledger.is_over = True
        await asyncio.gather(*asking)
    await asyncio.wait_for(cluster.all_connected(), PATIENCE)
    for what, counts in [("done", ledger.done), ("answered", ledger.answers)]:
        twice = [number for number, count in counts.items() if count != 1]
        assert not twice, f"{what} more than once: {twice}"
