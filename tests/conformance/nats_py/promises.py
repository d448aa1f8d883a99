"""Sentences about a server, each with the function that puts it to the test."""

import asyncio
import time
import traceback

from cluster import Cluster
from server import Server

_PROMISES = []


def promise(sentence, *arguments, servers=1):
    """Marks an async function as the test of `sentence`.

    It is given a server of its own, started with the command line `arguments`, or a cluster of so many.
    """

    def mark(function):
        _PROMISES.append((sentence, arguments, servers, function))
        return function

    return mark


async def _put_to_the_test(binary, arguments, servers, function):
    async with Server(binary, *arguments) if servers == 1 else Cluster(binary, servers) as server:
        try:
            await function(server)
            assert not server.errors, f"a client reported {server.errors}"
        except BaseException:
            for line in server.log():
                print(f"        | {line}")
            raise


async def keep_promises(binary, words, limit):
    """Tests every promise containing `words`, each for at most `limit` seconds; True if all were kept."""
    passed = failed = 0
    for sentence, arguments, servers, function in _PROMISES:
        if words not in sentence:
            continue
        begin = time.monotonic()
        try:
            await asyncio.wait_for(_put_to_the_test(binary, arguments, servers, function), limit)
        except Exception as error:
            failed += 1
            print(f"FAILED  {sentence}: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc()
        else:
            passed += 1
            print(f"ok      {sentence} ({time.monotonic() - begin:.2f} s)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed == 0 and passed > 0
