"""Pools, migrations and LISTEN connect as the URL says, or say that it is the URL."""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.encrypted.authority import Authority, Issued
from tests.integration.encrypted.logins import PASSWORD, USER

from common.edges.database import create_reader_engine, create_writer_engine, reading
from common.edges.ingest import MIGRATIONS
from common.edges.listening import listen
from common.edges.migrations import migrate
from common.edges.postgres import LoginRefusedError, UntrustedServerError
from local_stack.database import execute
from local_stack.postgres import PostgresServer

pytestmark = pytest.mark.xdist_group("encrypted")

PROTECTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


@pytest.fixture
def url(encrypted_postgres: PostgresServer, authority: Authority) -> str:
    plain = encrypted_postgres.address.url("madoguchi", user=USER, password=PASSWORD)
    return f"{plain}?sslmode=verify-full&sslrootcert={authority.certificate}"


async def asked(url: str) -> bool:
    engine = create_writer_engine(url, "public", pool_size=1)
    return await answered(engine)


async def answered(engine: AsyncEngine) -> bool:
    try:
        async with engine.connect() as connection:
            return bool(await connection.scalar(PROTECTED))
    finally:
        await engine.dispose()


async def test_pools_migrations_and_listeners_are_encrypted(url: str) -> None:
    await asyncio.to_thread(migrate, MIGRATIONS, url, "ingest_sms")
    assert await asked(url)
    reader = create_reader_engine(url, "ingest_sms", pool_size=1)
    async with reading(reader, "acme") as seen:
        assert await seen.scalar(PROTECTED)
    await reader.dispose()

    engine, heard, stopping = create_writer_engine(url, "ingest_sms"), [], asyncio.Event()
    began = asyncio.Event()

    def hear(payload: str) -> None:
        heard.append(payload)
        stopping.set()

    listening = asyncio.create_task(listen(engine, "news", hear, began.set, stopping))
    await began.wait()
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_notify('news', '新着')"))
    await listening
    await engine.dispose()
    assert heard == ["新着"]


async def test_a_server_that_nobody_vouches_for_is_not_spoken_to(
    url: str, authority: Authority, stranger: Authority
) -> None:
    other = url.replace(str(authority.certificate), str(stranger.certificate))
    with pytest.raises(UntrustedServerError, match="MADOGUCHI_DATABASE, sslrootcert"):
        await asked(other)


async def test_a_server_under_another_name_is_not_spoken_to(url: str) -> None:
    with pytest.raises(UntrustedServerError, match=r"MADOGUCHI_DATABASE, sslrootcert.*localhost"):
        await asked(url.replace("127.0.0.1", "localhost"))


async def test_a_wrong_password_is_told_by_its_setting_and_not_shown(url: str) -> None:
    with pytest.raises(LoginRefusedError, match="MADOGUCHI_DATABASE: password") as told:
        await asked(url.replace(PASSWORD, "machigai"))
    assert "machigai" not in str(told.value)


async def test_who_comes_without_tls_is_told_by_the_setting(url: str) -> None:
    with pytest.raises(LoginRefusedError, match=r"MADOGUCHI_DATABASE: .*no encryption"):
        await asked(url.partition("?")[0] + "?sslmode=disable")


async def test_tls_to_a_server_that_has_none_is_told_by_the_setting(database_url: str) -> None:
    with pytest.raises(UntrustedServerError, match="MADOGUCHI_DATABASE, sslmode"):
        await asked(f"{database_url}?sslmode=require")


async def test_a_certificate_is_a_login_too(
    encrypted_postgres: PostgresServer, authority: Authority, client_certificate: Issued
) -> None:
    place = f"127.0.0.1:{encrypted_postgres.port}/madoguchi"
    files = {
        "sslmode": "verify-full",
        "sslrootcert": str(authority.certificate),
        "sslcert": str(client_certificate.certificate),
        "sslkey": str(client_certificate.key),
    }
    assert await asked(f"postgresql://certified@{place}?{urlencode(files)}")


async def test_a_new_password_in_the_file_counts_for_the_next_connection(
    url: str, encrypted_postgres: PostgresServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    role = "CREATE ROLE changing LOGIN PASSWORD 'next-aikotoba'"
    await asyncio.to_thread(execute, encrypted_postgres.address, [role])
    without = url.replace(f"{USER}:{PASSWORD}@", "changing@") + f"&password_file={secret}"
    engine = create_writer_engine(without, "public", pool_size=1)
    with pytest.raises(LoginRefusedError):
        await answered(engine)
    secret.write_text("next-aikotoba\n")
    assert await answered(engine)


def test_system_means_the_authorities_of_this_machine() -> None:
    if ssl.get_default_verify_paths().cafile is None:
        pytest.skip("this machine keeps no file of authorities")
    create_writer_engine("postgresql://x@db.example.jp/y?sslrootcert=system", "public")
