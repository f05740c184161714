"""While a process drains, whoever keeps connections open hears that this was the last answer."""

from starlette.types import Message, Receive, Scope, Send

from common.edges.service import Health, LastAnswers

HTTP: Scope = {"type": "http"}


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-name", b"y")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def nothing() -> Message:
    return {"type": "http.request"}


async def heard(health: Health) -> list[Message]:
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    await LastAnswers(answer, health)(HTTP, nothing, send)
    return said


async def test_an_answer_ends_its_connection_only_while_the_process_drains() -> None:
    health = Health()
    (start, body) = await heard(health)
    assert start["headers"] == [(b"x-name", b"y")]
    health.draining = True
    (start, same) = await heard(health)
    assert start["headers"] == [(b"x-name", b"y"), (b"connection", b"close")]
    assert same == body
