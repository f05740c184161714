"""Bluesky's notifications and direct messages, as the edge fetched them.

A body is the answer of `app.bsky.notification.listNotifications` or of `chat.bsky.convo.getLog`.
The account's option `did` says who we are.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.drafting import (
    Content,
    Drafting,
    Exchange,
    bracketed,
    labelled,
    media_name,
    remote,
)
from common.core.events import Attachment, Channel, Direction, MessageKind, Party
from common.core.payloads import (
    UnreadableError,
    flattened,
    items_at,
    shaped,
    shaped_at,
    text_at,
    value_at,
)
from common.core.times import from_iso
from ingest_social.core.bluesky.shapes import Author, Blob, Direct, Log, Notification, Reaction

_SAID = frozenset(["mention", "reply", "quote"])
_LOG = "chat.bsky.convo.defs#"


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return everything in one answer, in its order."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.BLUESKY,
        signature="session",
        stranger=_contact("unknown"),
        ourselves=_contact(account.options.get("did", account.account)),
    )
    return drafts.from_json(_items, partial(_drafts, drafts), _name)


def _items(body: object) -> list[object]:
    if not any(isinstance(value_at(body, name), list) for name in ("notifications", "logs")):
        raise UnreadableError("neither notifications nor a log")
    return [*items_at(body, "notifications"), *items_at(body, "logs")]


def _name(item: object) -> str | None:
    return text_at(item, "uri") or text_at(item, "rev")


def _drafts(drafts: Drafting, item: object) -> Iterator[Draft]:
    kind = text_at(item, "$type")
    if kind is None:
        yield _notification(drafts, shaped(item, Notification))
        return
    read = _LOGS.get(kind.removeprefix(_LOG), _notice)
    yield read(drafts, shaped(item, Log), item)


def _notification(drafts: Drafting, noticed: Notification) -> Draft:
    person = _person(noticed.author)
    thread = text_at(noticed.record, "reply", "root", "uri") or noticed.uri
    exchange = Exchange(
        customer=person,
        company=Party(drafts.ourselves),
        conversation=f"{person.contact}/post/{thread}",
        time=from_iso(noticed.indexed_at),
    )
    return drafts.message(noticed.uri, exchange, _noticed(noticed))


def _noticed(noticed: Notification) -> Content:
    if noticed.reason in _SAID:
        return _post(noticed)
    attributes = {"event": noticed.reason}
    if noticed.reason == "like":
        return Content(
            kind=MessageKind.REACTION,
            text="❤️",
            target=noticed.reason_subject,
            attributes={**attributes, "action": "react"},
        )
    told = labelled(Content(kind=MessageKind.SYSTEM), attributes)
    return labelled(told, {"subject": noticed.reason_subject})


def _post(noticed: Notification) -> Content:
    record, embed = noticed.record, value_at(noticed.record, "embed")
    embed = value_at(embed, "media") or embed  # a quote with pictures nests them
    link = _link(value_at(embed, "external"))
    languages = items_at(record, "langs")
    return Content(
        text="\n".join(text for text in (text_at(record, "text"), link) if text) or None,
        language=languages[0] if languages and isinstance(languages[0], str) else None,
        attachments=_files(noticed.author.did, embed),
        in_reply_to=text_at(record, "reply", "parent", "uri") or noticed.reason_subject,
        attributes={"event": noticed.reason, "public": "true", **_links(record)},
    )


def _links(record: object) -> dict[str, str]:
    """Return where the text's links lead: in the text itself they are often cut short."""
    features = [
        feature for facet in items_at(record, "facets") for feature in items_at(facet, "features")
    ]
    return flattened([uri for feature in features if (uri := text_at(feature, "uri"))], "link")


def _link(external: object) -> str | None:
    uri = text_at(external, "uri")
    return bracketed("リンク", text_at(external, "title"), uri) if uri else None


def _files(did: str, embed: object) -> tuple[Attachment, ...]:
    blobs = [value_at(image, "image") for image in items_at(embed, "images")]
    video = value_at(embed, "video")
    told = [*blobs, video] if video is not None else blobs
    return tuple(_file(did, number, shaped(blob, Blob)) for number, blob in enumerate(told, 1))


def _file(did: str, number: int, blob: Blob) -> Attachment:
    where = f"blob:{did}/{blob.ref.link}"
    return remote(media_name(blob.mime_type, number), blob.mime_type, where, blob.size)


def _said(drafts: Drafting, log: Log, item: object) -> Draft:
    direct = shaped_at(item, "message", Direct)
    exchange = _direct(drafts, log, direct.sender.did)
    exchange = replace(exchange, time=from_iso(direct.sent_at))
    return drafts.message(direct.id, exchange, Content(text=direct.text))


def _deleted(drafts: Drafting, log: Log, item: object) -> Draft:
    direct = shaped_at(item, "message", Direct)
    content = Content(kind=MessageKind.UNSEND, target=direct.id)
    return drafts.message(_log_name(log), _direct(drafts, log, direct.sender.did), content)


def _reacted(action: str, drafts: Drafting, log: Log, item: object) -> Draft:
    direct, reaction = shaped_at(item, "message", Direct), shaped_at(item, "reaction", Reaction)
    exchange = _direct(drafts, log, reaction.sender.did)
    content = Content(
        kind=MessageKind.REACTION,
        target=direct.id,
        text=reaction.value,
        attributes={"action": action},
    )
    at = from_iso(reaction.created_at)
    return drafts.message(_log_name(log), replace(exchange, time=at), content)


def _notice(drafts: Drafting, log: Log, item: object) -> Draft:
    content = Content(kind=MessageKind.SYSTEM, attributes={"event": log.type, **flattened(item)})
    return drafts.anonymous(content, _log_name(log))


def _log_name(log: Log) -> str:
    """Return an id that no message has: a log's `rev` looks like a message's id."""
    return f"log:{log.rev}"


def _direct(drafts: Drafting, log: Log, sender: str) -> Exchange:
    """Return who speaks in a conversation. To whom we write the log does not tell."""
    ours = _contact(sender) == drafts.ourselves
    return Exchange(
        customer=Party(_contact(f"convo/{log.convo_id}" if ours else sender)),
        company=Party(drafts.ourselves),
        conversation=f"{drafts.ourselves}/convo/{log.convo_id}",
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
    )


def _person(author: Author) -> Party:
    address = f"@{author.handle}" if author.handle else None
    return Party(_contact(author.did), author.display_name or None, address)


def _contact(did: str) -> str:
    return scoped_contact(ContactKind.BLUESKY, did)


_LOGS: Mapping[str, Callable[[Drafting, Log, object], Draft]] = {
    "logCreateMessage": _said,
    "logDeleteMessage": _deleted,
    "logAddReaction": partial(_reacted, "react"),
    "logRemoveReaction": partial(_reacted, "unreact"),
}
