"""The promises of a NATS server, as nats-py sees them: main.py <server binary> [words of a promise]"""

import asyncio
import sys

# Each of these modules adds its promises.
import publish_subscribe  # noqa: F401
import queue_groups  # noqa: F401
import requests_and_replies  # noqa: F401
import headers  # noqa: F401
import limits  # noqa: F401
import draining  # noqa: F401
import reconnecting  # noqa: F401
import restarting  # noqa: F401
import access  # noqa: F401
import websocket  # noqa: F401
from promises import keep_promises

# Seconds after which a promise counts as broken: a bound for hanging servers, far from any measurement.
LIMIT = 60

if __name__ == "__main__":
    kept = asyncio.run(keep_promises(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "", LIMIT))
    sys.exit(0 if kept else 1)
