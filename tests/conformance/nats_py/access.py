"""Who may connect."""

import nats.errors
from promises import promise
from server import raises, take


async def _ignore(_):
    pass


async def _is_refused(server, **credentials):
    error = await raises(
        nats.errors.Error, server.connect(allow_reconnect=False, error_cb=_ignore, **credentials)
    )
    assert "authorization violation" in str(error).lower(), error


async def _is_served(server, **credentials):
    client = await server.connect(allow_reconnect=False, **credentials)
    subscription = await client.subscribe("hello")
    await client.publish("hello", b"world")
    assert [message.data for message in await take(subscription)] == [b"world"]


@promise("a server with a token takes that token and no other", "--auth", "s3cret")
async def _(server):
    await _is_refused(server, token="wrong")
    await _is_refused(server, token="s3cre")
    await _is_refused(server, token="s3cret2")
    await _is_refused(server, user="s3cret", password="s3cret")
    await _is_refused(server)
    await _is_served(server, token="s3cret")


@promise("a server with a user takes that user and no other", "--user", "ada", "--pass", "l0velace")
async def _(server):
    await _is_refused(server, user="ada", password="wrong")
    await _is_refused(server, user="Ada", password="l0velace")
    await _is_refused(server, user="ada", password="")
    await _is_refused(server, token="l0velace")
    await _is_refused(server)
    await _is_served(server, user="ada", password="l0velace")


@promise("a server that asks for nothing takes any credentials")
async def _(server):
    await _is_served(server, token="any")
    await _is_served(server, user="any", password="any")
