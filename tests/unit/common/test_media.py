"""Files are fetched from providers' hosts on the public internet, and credentials stay there."""

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from common.core.adapters import ChannelAccount
from common.core.addresses import is_public
from common.core.attachments import pending_files, told
from common.core.cloudevents import Attributes, Event, read
from common.core.errors import MadoguchiError
from common.core.events import (
    Attachment,
    AttachmentState,
    AttachmentStored,
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.media import (
    NotYetError,
    Refusal,
    RefusedError,
    Target,
    credential_for,
    first_url,
    follow,
    is_fetched,
    is_forbidden,
    looked_up,
    media_credentials,
    needs_lookup,
    next_attempt,
    redirected,
    source_of,
    target_of,
    with_media_credential,
)
from common.core.media_types import settled_type

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def account(provider: str, **options: str) -> ChannelAccount:
    return ChannelAccount(tenant="acme", provider=provider, account="main", options=options)


# ---- addresses

PRIVATE = [
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "0.0.0.0/8",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "198.18.0.0/15",
]
private_ipv4 = st.sampled_from(PRIVATE).flatmap(
    lambda network: st.ip_addresses(network=network).map(ipaddress.IPv4Address)
)
LOCAL_IPV6 = ["fc00::/7", "fe80::/10", "ff00::/8", "2001:db8::/32", "::/96", "fec0::/10"]


@given(private_ipv4)
def test_no_private_ipv4_address_ever_passes_however_it_is_dressed(
    address: ipaddress.IPv4Address,
) -> None:
    octets = int(address)
    dressed = [
        str(address),
        f"::ffff:{address}",
        str(ipaddress.IPv6Address(octets)),  # IPv4-compatible
        str(ipaddress.IPv6Address((0x64FF9B << 96) | octets)),  # NAT64
        str(ipaddress.IPv6Address((0x2002 << 112) | (octets << 80))),  # 6to4
        str(ipaddress.IPv6Address((0x20010000 << 96) | (octets ^ 0xFFFFFFFF))),  # Teredo
    ]
    assert not any(is_public(each) for each in dressed)


@given(st.sampled_from(LOCAL_IPV6).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_local_ipv6_address_ever_passes(address: ipaddress.IPv6Address) -> None:
    assert not is_public(str(address))
    assert not is_public(f"{address}%eth0")


@given(st.ip_addresses())
def test_what_python_calls_not_global_never_passes(address: Any) -> None:
    assert address.is_global or not is_public(str(address))


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "localhost", ""],
)
def test_a_clouds_own_addresses_and_names_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2404:6800:4004::1"])
def test_public_addresses_pass(address: str) -> None:
    assert is_public(address)


# ---- URLs


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("http://api.twilio.com/a", Refusal.BAD_URL),
        ("file:///etc/passwd", Refusal.BAD_URL),
        ("https://me:secret@api.twilio.com/a", Refusal.BAD_URL),
        ("https://api.twilio.com\\@evil.example/", Refusal.BAD_URL),
        ("https://api.twilio.com/a b", Refusal.BAD_URL),
        ("https://api.twilio.com:port/", Refusal.BAD_URL),
        ("https://[::1/", Refusal.BAD_URL),
        ("https://api.twilio.com/" + "a" * 5000, Refusal.BAD_URL),
        ("https://api.twilio.com:8443/a", Refusal.HOST),
        ("https://twilio.com.evil.example/", Refusal.HOST),
        ("https://eviltwilio.com/", Refusal.HOST),
        ("https://127.0.0.1/", Refusal.HOST),
        ("https:///a", Refusal.HOST),
        ("https://写真.twilio.com/", Refusal.HOST),
        ("https://" + "a" * 64 + ".twilio.com/", Refusal.HOST),
        ("https://api.twilio.com/\ud800", Refusal.BAD_URL),
    ],
)
def test_a_link_to_anywhere_else_is_refused(url: str, refusal: Refusal) -> None:
    with pytest.raises(RefusedError) as refused:
        target_of(url, source_of(account("twilio")).hosts)
    assert refused.value.refusal is refusal


def test_a_link_to_the_provider_is_taken_apart_once() -> None:
    hosts = source_of(account("twilio")).hosts
    target = target_of("HTTPS://API.twilio.com./写真/a%2Fb?x=1&y=あ#part", hosts)
    path = "/%E5%86%99%E7%9C%9F/a%2Fb?x=1&y=%E3%81%82"
    assert target == Target("api.twilio.com", 443, path)
    assert target_of("https://media.twiliocdn.com", hosts).path == "/"


def test_a_redirect_is_read_as_a_browser_would_and_checked_again() -> None:
    target = Target("api.twilio.com", 443, "/2010/Media/ME1")
    assert redirected(target, "../other?x") == "https://api.twilio.com:443/2010/other?x"
    assert redirected(target, "//169.254.169.254/latest") == "https://169.254.169.254/latest"
    with pytest.raises(RefusedError):
        redirected(target, "https://[")


@given(st.text(max_size=60))
def test_no_text_at_all_crashes_the_policy(text: str) -> None:
    for url in (text, f"https://api.twilio.com{text}", f"https://{text}.twilio.com/"):
        try:
            target = target_of(url, ("*.twilio.com",))
        except RefusedError:
            continue
        assert target.host.endswith(".twilio.com")
        assert target.host.isascii()
        assert target.path.isascii()


def test_an_account_may_add_hosts_and_an_instance_is_its_own_host() -> None:
    added = source_of(account("sinch-sms", media_hosts="Files.example.jp cdn.example.jp"))
    assert added.hosts == ("*.sinch.com", "files.example.jp", "cdn.example.jp")
    ours = source_of(account("mastodon", handle="madoguchi@Social.example.jp"))
    assert ours.hosts == ("social.example.jp", "*.social.example.jp")
    assert source_of(account("mastodon")).hosts == ()


# ---- credentials


def test_credentials_that_are_being_changed_are_a_list_and_one_is_shown_at_a_time() -> None:
    twilio = account("twilio", media_credential="AC1:new AC1:old")
    assert media_credentials(twilio) == ("AC1:new", "AC1:old")
    assert media_credentials(with_media_credential(twilio, "AC1:old")) == ("AC1:old",)
    assert media_credentials(account("twilio")) == ()


def test_another_credential_helps_against_a_locked_door_alone() -> None:
    assert is_forbidden(NotYetError(Refusal.FORBIDDEN))
    assert not is_forbidden(NotYetError(Refusal.MISSING))
    assert not is_forbidden(RefusedError(Refusal.GONE))


def test_a_credential_is_shown_to_the_providers_own_host_alone() -> None:
    twilio = account("twilio", media_credential="AC1:token")
    source = source_of(twilio)
    shown = credential_for("api.twilio.com", source, twilio)
    assert shown == "Basic " + base64.b64encode(b"AC1:token").decode()
    assert credential_for("media.twiliocdn.com", source, twilio) is None
    line = account("line", media_credential="channel-token")
    assert credential_for("api-data.line.me", source_of(line), line) == "Bearer channel-token"
    assert credential_for("api.twilio.com", source, account("twilio")) is None
    typo = account("line", media_credential="ｔｏｋｅｎ")
    assert credential_for("api-data.line.me", source_of(typo), typo) is None
    x = account("x", media_credential="unused")
    assert credential_for("pbs.twimg.com", source_of(x), x) is None


@pytest.mark.parametrize(
    ("fetched", "owner"),
    [
        (True, account("vonage-messages")),
        (True, account("telegram", media_credential="1:a")),
        (True, account("generic", media_hosts="files.example.jp")),
        (False, account("telegram")),
        (False, account("twilio")),
        (False, account("generic")),
        (False, account("smtp")),
    ],
)
def test_files_are_fetched_where_we_know_from_where_and_hold_what_it_takes(
    fetched: bool,  # noqa: FBT001
    owner: ChannelAccount,
) -> None:
    assert is_fetched(owner) is fetched


# ---- references


def test_references_become_the_providers_own_urls() -> None:
    assert first_url("https://a.example/x", account("twilio")) == "https://a.example/x"
    blob = first_url("blob:did:plc:abc/bafk?x", account("bluesky"))
    assert blob.endswith("getBlob?did=did%3Aplc%3Aabc&cid=bafk%3Fx")
    bot = account("telegram", media_credential="1:a/b")
    assert first_url("file_id:F&1", bot) == (
        "https://api.telegram.org/bot1:a%2Fb/getFile?file_id=F%261"
    )
    assert [needs_lookup(item) for item in (bot, account("whatsapp"), account("line"))] == [
        True,
        True,
        False,
    ]
    found = looked_up(b'{"ok":true,"result":{"file_path":"photos/f 1.jpg"}}', bot)
    assert found == "https://api.telegram.org/file/bot1:a%2Fb/photos/f%201.jpg"
    whatsapp = account("whatsapp")
    assert looked_up(b'{"url":"https://lookaside.fbsbx.com/x"}', whatsapp).endswith("/x")
    for answer in (b"<html>", b"{}", b'{"url":1}'):
        with pytest.raises(RefusedError):
            looked_up(answer, whatsapp)


# ---- answers and patience


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotYetError(Refusal.MISSING)),
        (401, NotYetError(Refusal.FORBIDDEN)),
        (403, NotYetError(Refusal.FORBIDDEN)),
        (429, NotYetError(Refusal.UNAVAILABLE)),
        (503, NotYetError(Refusal.UNAVAILABLE)),
        (410, RefusedError(Refusal.GONE)),
        (206, RefusedError(Refusal.GONE)),
    ],
)
def test_a_status_says_whether_to_ask_again(status: int, error: NotYetError | RefusedError) -> None:
    with pytest.raises(MadoguchiError) as raised:
        follow(status)
    assert (type(raised.value), str(raised.value)) == (type(error), str(error))


def test_a_file_or_a_way_to_it_is_no_error() -> None:
    assert not follow(200)
    assert all(follow(status) for status in (301, 302, 303, 307, 308))


@given(st.sampled_from(Refusal), st.integers(1, 2000))
def test_waiting_grows_and_ends(refusal: Refusal, attempts: int) -> None:
    limit = timedelta(minutes=10) if refusal is Refusal.MISSING else timedelta(hours=24)
    first = next_attempt(refusal, attempts, MOMENT, MOMENT)
    assert first is not None
    assert timedelta() < first - MOMENT <= timedelta(hours=1)
    last = next_attempt(refusal, attempts, MOMENT, MOMENT + limit - timedelta(seconds=1))
    assert last == MOMENT + limit
    assert next_attempt(refusal, attempts, MOMENT, MOMENT + limit) is None


# ---- types


@pytest.mark.parametrize(
    ("declared", "content", "kept"),
    [
        ("image/png", PNG, "image/png"),
        ("image/jpeg", PNG, "image/png"),
        ("image/*", PNG, "image/png"),
        ("", PNG, "image/png"),
        ("application/octet-stream", b"%PDF-1.7", "application/pdf"),
        ("audio/*", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("audio/mp4; codecs=x", b"\0\0\0\x20ftypisom", "audio/mp4"),
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0", "application/vnd.ms-excel"),
        ("text/vcard", b"BEGIN:VCARD", "text/vcard"),
        ("text/plain", "BM: 本日".encode(), "text/plain"),
        ("text/html", b"\xef\xbb\xbf\n<HTML>", "text/html"),
        ("application/octet-stream", b"what", "application/octet-stream"),
        ("application/xml", b"<?xml ", "text/xml"),
        ("video/mp4", PNG, None),
        ("application/pdf", PNG, None),
        ("image/png", b"<svg onload=alert(1)>", None),
        ("image/png", b"<!doctype html><script>", None),
        ("application/octet-stream", b"<html>", None),
        ("image/png", b"plainly not", None),
        ("application/octet-stream", b"MZ\x90\0", None),
        ("text/plain", b"MZ\x90\0", None),
        ("application/x-sh", b"#!/bin/sh", None),
    ],
)
def test_a_file_has_to_be_what_it_was_said_to_be(
    declared: str, content: bytes, kept: str | None
) -> None:
    assert settled_type(declared, content) == kept


# ---- events


def message(*attachments: Attachment) -> Event:
    data = Message(
        message_id="MM1",
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        sender=Party("tel:+819012345678"),
        conversation=Conversation("c"),
        received_at=MOMENT,
        attachments=attachments,
    )
    attributes = Attributes(
        id=UUID(int=7),
        source="/ingest_sms/twilio/main",
        type="io.madoguchi.message.received",
        subject="tel:+819012345678",
        time=MOMENT,
        tenant="acme",
    )
    return Event(attributes, data, b"")


def file(state: AttachmentState, where: str | None) -> Attachment:
    return Attachment(name="写真.jpg", media_type="image/jpeg", state=state, provider_ref=where)


def test_the_files_of_our_own_messages_that_are_elsewhere_are_awaited() -> None:
    event = message(
        file(AttachmentState.STORED, "x"),
        file(AttachmentState.REMOTE, None),
        file(AttachmentState.REMOTE, "https://api.twilio.com/ME1"),
    )
    [pending] = pending_files(event, "ingest_sms")
    assert pending.position == 2
    assert list(pending_files(event, "ingest_social")) == []
    assert list(pending_files(Event(event.attributes, None, b"{}"), "ingest_sms")) == []


def test_what_became_of_a_file_is_one_event_beside_its_message() -> None:
    [pending] = pending_files(message(file(AttachmentState.REMOTE, "r")), "ingest_sms")
    stored = file(AttachmentState.STORED, "r")
    record = told(pending, stored, None, MOMENT)
    event = read(record.headers, record.value)
    assert record.topic == "messages.v1"
    assert record.key == b"acme|tel:+819012345678"
    assert event.attributes.type == "io.madoguchi.attachment.stored"
    assert isinstance(event.data, AttachmentStored)
    assert (event.data.message, event.data.attachment) == (UUID(int=7), stored)
    again = told(pending, pending.attachment, Refusal.GONE, MOMENT)
    assert read(again.headers, again.value).attributes.id == event.attributes.id
    assert read(again.headers, again.value).data.reason == "gone"
