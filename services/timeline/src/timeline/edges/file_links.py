"""Links to files: made for who may read the entry, and what may be read by them."""

from datetime import datetime
from uuid import UUID

from fastapi import HTTPException

from common.core.events import AttachmentState, Message
from common.edges.clock import Clock
from common.edges.objects import file_key
from timeline.core.file_links import LONGEST_SECONDS, ORIGINAL, FileAccess, FileLink, LinkKeys
from timeline.core.items import ShownFile
from timeline.edges.entries import OneEntry


class FileLinks:
    """Signs links. `base` is the address of this surface as tools reach it, without a last slash."""

    def __init__(self, keys: LinkKeys, clock: Clock, base: str) -> None:
        self.keys = keys
        self.clock = clock
        self.base = base.rstrip("/")

    def attachment(self, one: OneEntry, place: int) -> FileAccess:
        """Return a link to a file of a message. Answers 404 where it is not held."""
        file = held_file(one, place)
        url, expires_at = self._signed(one, place, file.location or "")
        return FileAccess(
            url=url,
            expires_at=expires_at,
            name=file.name,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
        )

    def original(self, one: OneEntry, message: Message) -> FileAccess:
        """Return a link to what reached us. Answers 404 where nobody kept it."""
        if not message.raw_ref:
            raise HTTPException(404, "its original was not kept")
        name, media_type = original_name(one.entry.event_id, message)
        url, expires_at = self._signed(one, ORIGINAL, message.raw_ref)
        return FileAccess(url=url, expires_at=expires_at, name=name, media_type=media_type)

    def _signed(self, one: OneEntry, place: int, location: str) -> tuple[str, datetime]:
        expires = int(self.clock().timestamp()) + LONGEST_SECONDS
        entry = one.entry
        link = FileLink(self.keys.signing, expires, entry.tenant, entry.event_id, place, location)
        return f"{self.base}/v1/files/{self.keys.token(link)}", link.expires_at


def held_file(one: OneEntry, place: int) -> ShownFile:
    """Return a file of a message that we hold. Answers 404 where we do not.

    What an event calls a file of this tenant must lie where this tenant's files lie: the bus is open.
    """
    files = one.item.attachments
    if place >= len(files):
        raise HTTPException(404, f"it has {len(files)} files")
    file = files[place]
    if file.state is not AttachmentState.STORED:
        raise HTTPException(404, f"the file is not held: {file.reason or file.state}")
    if file.sha256 is None or file.location != file_key(one.entry.tenant, file.sha256):
        raise HTTPException(404, "the file is not where this tenant's files are")
    return file


def original_name(entry: UUID, message: Message) -> tuple[str, str]:
    """Return the name and the type of an original: a mail, or the request of a provider."""
    if message.channel == "email":
        return f"{entry}.eml", "message/rfc822"
    return f"{entry}.bin", "application/octet-stream"
