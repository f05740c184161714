"""An erasure is certified, held up by a legal hold, and never carried out by the wrong key."""

from datetime import timedelta

import msgspec
import pytest
from fastapi import HTTPException
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, on_the_bus
from tests.integration.timeline.erasing.conftest import (
    ERASED_AT,
    KEY,
    WORDS,
    FixedRetention,
    Told,
    asked,
    confirmed,
    erased_event,
    hanako,
    sent,
    shown,
    writer_published,
)
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    TENANT,
    after,
    message,
)

from common.core.cloudevents import read
from common.core.erasure import Marker
from common.core.errors import TransientError
from common.core.ids import customer_id
from common.edges.database import acting
from common.edges.objects import ObjectStore
from timeline.core.erasure_certificate import is_genuine, readable
from timeline.edges.consume import Historian
from timeline.edges.erasure_asking import HoldView, hold, release
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.erasure_worker import Eraser


async def test_the_certificate_tells_what_was_done_where_and_when_the_last_copy_is_gone(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    view = await asked(writer)
    for _ in range(3):
        await eraser.look()
    await confirmed(told, view.id)
    await eraser.look()
    certified = await shown(writer, view.id)
    certificate = certified.certificate
    assert certificate is not None
    assert certified.gone_at == ERASED_AT + timedelta(days=31)
    done = {one.where: one.counts for one in certificate.done}
    assert done["timeline and search"]["entry"] == 5
    assert done["timeline and search"]["contact"] == 3
    assert done["object storage"] == {"originals": 1, "files": 1}
    assert done["router"] == {"cases": 1}
    assert is_genuine(certificate, Marker(KEY))
    changed = msgspec.structs.replace(certificate, reference="DSR-1")
    assert not is_genuine(changed, Marker(KEY))
    assert "messages.v1: ≤ 2026-04-02" in readable(certificate)
    assert not [word for word in WORDS if word in readable(certificate)]


async def test_when_no_copy_is_left_the_bus_is_told_once_more_without_the_ids(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser
) -> None:
    await told(message())
    view = await asked(writer)
    first = await erased_event(writer)
    await writer_published(writer)
    for _ in range(3):
        await eraser.look()
    await confirmed(told, view.id)
    await eraser.look()
    later = ERASED_AT + timedelta(days=32)
    long_after = Eraser(writer, objects, FixedRetention(), Marker(KEY), lambda: later)
    await long_after.look()
    assert (await shown(writer, view.id)).state == "closed"
    [again] = await sent(writer)
    last = read(again.headers, again.value)
    assert again.key == f"{TENANT}|{view.id}".encode()
    assert last.data == msgspec.structs.replace(first.data, customers=())


async def test_a_legal_hold_keeps_a_customer_from_being_erased_until_it_is_released(
    writer: AsyncEngine, told: Told, objects: ObjectStore
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    ids = [customer_id(TENANT, HANAKO_LINE)]
    view = HoldView("訴訟のため保全", "legal@example.jp", after(20))
    async with acting(writer, TENANT) as connection:
        assert await hold(connection, TENANT, ids, view) == view
    with pytest.raises(HTTPException, match="legal hold"):
        await asked(writer, HANAKO_MAIL)
    async with acting(writer, TENANT) as connection:
        await release(connection, TENANT, ids, "legal@example.jp", after(25))
    assert (await asked(writer, HANAKO_MAIL)).state == "accepted"


async def test_a_timeline_with_another_key_waits_rather_than_learning_of_the_erased(
    writer: AsyncEngine, told: Told, objects: ObjectStore
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    await asked(writer)
    erased = await erased_event(writer)
    for guard in (ErasureGuard("another key, and a long one, too"), ErasureGuard()):
        historian = Historian(lambda: NOW, "JP", guard)
        with pytest.raises(TransientError, match="key"):
            async with writer.begin() as connection:
                await historian(connection, on_the_bus([erased], [1]))
