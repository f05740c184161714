"""Who is signed in, read from Postgres: by tenant, with the journal's number."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import Presence
from router.core.policy import Policy
from router.core.presence import Profile
from router.edges.agents_store import register, set_presence
from router.edges.roster_view import RosterView

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)


async def sign_in(
    writer: AsyncEngine, policy: Policy, tenant: str, name: str, presence: Presence, level: int
) -> None:
    profile = Profile(queues=("technical", "vip"), skills={"network": level}, capacity=1)
    async with writer.begin() as connection:
        await register(connection, tenant, name, profile, policy, NOW, "sato")
    async with writer.begin() as connection:
        await set_presence(connection, tenant, name, presence, policy, NOW)


async def test_a_company_that_named_nobody_has_no_roster(writer: AsyncEngine) -> None:
    view = RosterView(writer)
    assert view.of("acme") is None
    await view.refresh()
    assert view.of("acme") is None


async def test_each_company_has_the_profiles_of_those_who_are_there(
    writer: AsyncEngine, policy: Policy
) -> None:
    await sign_in(writer, policy, "acme", "tanaka", Presence.ONLINE, 3)
    await sign_in(writer, policy, "acme", "suzuki", Presence.ONLINE, 3)
    await sign_in(writer, policy, "acme", "ito", Presence.AWAY, 1)
    await sign_in(writer, policy, "globex", "sato", Presence.OFFLINE, 5)
    view = RosterView(writer)
    await view.refresh()
    profiles = ({"network": 1}, {"network": 3})
    acme, globex = view.of("acme"), view.of("globex")
    assert acme is not None
    assert acme.signed_in == {"technical": profiles, "vip": profiles}
    assert globex is not None
    assert globex.signed_in == {}  # he was named and is not there: nobody is
    assert acme.sequence == 6
    assert globex.sequence > acme.sequence


async def test_before_the_first_decision_it_is_read_once(
    writer: AsyncEngine, policy: Policy
) -> None:
    view = RosterView(writer)
    async with writer.begin() as connection:
        await view.settle(connection)
    await sign_in(writer, policy, "acme", "tanaka", Presence.ONLINE, 3)
    async with writer.begin() as connection:
        await view.settle(connection)
    assert view.of("acme") is None


async def test_it_is_read_again_when_the_journal_has_news_and_only_then(
    writer: AsyncEngine, policy: Policy
) -> None:
    await sign_in(writer, policy, "acme", "tanaka", Presence.ONLINE, 3)
    await sign_in(writer, policy, "globex", "sato", Presence.ONLINE, 5)
    view = RosterView(writer)
    await view.refresh()
    before = view.of("acme")
    await view.refresh()
    assert view.of("acme") is before
    await sign_in(writer, policy, "acme", "suzuki", Presence.ONLINE, 1)
    await view.refresh()
    roster = view.of("acme")
    assert roster is not None
    assert roster.signed_in["technical"] == ({"network": 1}, {"network": 3})


async def test_the_component_reads_and_finishes_what_it_has_begun(
    writer: AsyncEngine, policy: Policy
) -> None:
    await sign_in(writer, policy, "acme", "tanaka", Presence.ONLINE, 3)
    view, stopping = RosterView(writer), asyncio.Event()
    running = asyncio.create_task(view.run(stopping))
    await asyncio.sleep(0)  # it begins
    stopping.set()
    await running
    roster = view.of("acme")
    assert roster is not None
    assert roster.signed_in["technical"] == ({"network": 3},)
