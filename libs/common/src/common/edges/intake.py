"""Taking messages in: parsed, the original kept, published; or kept in the durable inbox."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from common.core.adapters import ChannelAccount, Draft, Original, without_credentials
from common.core.cloudevents import Record, record
from common.core.consent import consent_records
from common.core.dead_letters import orphan
from common.core.errors import TransientError
from common.core.events import Attachment, AttachmentState, Message, MessageStatus
from common.core.naming import attributes_of
from common.core.sizes import fitting
from common.core.topics import MESSAGES
from common.edges import metrics
from common.edges.accounts import Accounts
from common.edges.objects import ObjectStore
from common.edges.originals import KeptOnce, Originals
from common.edges.parsing import Parsing
from common.edges.ports import KeepingOriginals, Publishing
from common.edges.tracing import Steps, log_about, tracing
from common.edges.waiting import pause

logger = structlog.get_logger()

DRAIN_BATCH = 100
SLOW_SECONDS = 1.0  # LINE gives up after two


class Intake:
    """What an ingest service does with everything it receives.

    While requests wait in the inbox, later ones queue behind them: what one customer wrote stays
    in the order in which it was acknowledged.
    """

    name = "inbox"

    def __init__(
        self,
        *,
        service: str,
        parsing: Parsing,
        accounts: Accounts,
        publisher: Publishing,
        inbox: KeepingOriginals,
        originals: Originals,
        objects: ObjectStore,
        retry_seconds: float,
    ) -> None:
        self._service = service
        self._parsing = parsing
        self._accounts = accounts
        self._publisher = publisher
        self._inbox = inbox
        self._originals = originals
        self._kept = KeptOnce(originals)
        self._objects = objects
        self._retry_seconds = retry_seconds
        # Until the first look our last life may have left requests there: nothing overtakes them.
        self._diverting = True
        self._looked = False
        self._storing = 0
        self._stored_all = asyncio.Event()
        self._stored_all.set()
        self._open = asyncio.Event()
        self._open.set()

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return when the message is safe and may be acknowledged.

        Raises TransientError when neither Kafka nor the inbox can take it.
        """
        original = without_credentials(original)
        log_about(())
        await self._open.wait()
        if not self._diverting:
            try:
                await self._publish(original, account)
            except TransientError as error:
                logger.warning("kafka is away: taking messages into the inbox", error=str(error))
            else:
                return
        await self._divert(original)

    async def drafts(self, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        """Return the events in an original. Raises TransientError."""
        return await self._parsing.drafts(original, account)

    async def completed(
        self, drafts: tuple[Draft, ...], account: ChannelAccount, raw_ref: str
    ) -> list[Record]:
        """Return the records of these events, their files stored. Raises TransientError.

        `raw_ref` is where their original is kept.
        """
        records: list[Record] = []
        for draft in drafts:
            attributes = attributes_of(self._service, account, draft)
            data = await self._data(draft, account, raw_ref)
            records.append(record(MESSAGES.name, attributes, data))
            records += consent_records(attributes, data)
        return records

    def complaint_at_start(self) -> str | None:
        """Return why nothing may be taken yet: our last life may have left requests in the inbox."""
        return None if self._looked else "postgres: the inbox was not looked at yet"

    def complaint(self) -> str | None:
        """Return what an operator should know, or None."""
        return "messages wait in the inbox for kafka" if self._diverting else None

    async def run(self, stopping: asyncio.Event) -> None:
        """Drain the inbox whenever there is something in it, until `stopping` is set."""
        while not stopping.is_set():
            try:
                await self._drain()
            except TransientError as error:
                logger.warning("the inbox waits", error=str(error))
            await pause(stopping, self._retry_seconds)

    async def _publish(self, original: Original, account: ChannelAccount) -> None:
        steps = Steps(original.received_at)
        steps.done("receive")  # which was authenticated, and may have waited for its other parts
        drafts = await self.drafts(original, account)
        steps.done("parse")
        if not drafts:
            return
        reference = await self._originals.keep(original)
        steps.done("keep the original")
        try:
            records = await self.completed(drafts, account, reference)
            log_about(records)
            steps.done("store files")
            await self._publisher.publish(records)
        except TransientError:
            self._kept.is_kept(original, reference)
            raise
        steps.done("publish")
        self._tell(records, steps, "kafka")

    def _tell(self, records: Sequence[Record], steps: Steps, way: str) -> None:
        if tracer := tracing():
            tracer.taken_in(records, steps, way)
        if way == "kafka" and steps.seconds_after_first > SLOW_SECONDS:
            logger.warning("slow acknowledgement", seconds=steps.by_name())

    async def _divert(self, original: Original) -> None:
        # Counted during the write: a drain that sees an empty table in between must not let a later
        # message overtake this one.
        self._diverting = True
        self._storing += 1
        self._stored_all.clear()
        try:
            await self._inbox.store(original)
        finally:
            self._storing -= 1
            if self._storing == 0:
                self._stored_all.set()

    async def _drain(self) -> None:
        """Publish what waits, oldest first, then let messages pass again. Raises TransientError."""
        while await self._waiting():
            self._diverting = True  # also what another replica left there
            published = await self._publish_next()
            if published == 0:
                return  # another replica drains
            if published < DRAIN_BATCH:
                break
        if self._diverting:
            await self._publish_last()

    async def _publish_last(self) -> None:
        """Hold new requests for the moment that the last few take.

        Under a steady load the inbox would otherwise never be empty. Kafka is known to be back.
        """
        self._open.clear()
        try:
            await self._stored_all.wait()
            while await self._waiting():
                if await self._publish_next() == 0:
                    return
            self._diverting = False
        finally:
            self._open.set()

    async def _publish_next(self) -> int:
        async with self._inbox.next_batch(DRAIN_BATCH) as originals:
            if originals:
                await self._publish_all(originals)
            return len(originals)

    async def _waiting(self) -> int:
        rows = await self._inbox.rows()
        self._looked = True
        metrics.inbox_rows.set(rows)
        return rows

    async def _publish_all(self, originals: Sequence[Original]) -> None:
        # Side by side, so that they share a segment: an object each takes longer than new ones to come.
        waited = [Steps(original.received_at) for original in originals]
        for steps in waited:
            steps.done("wait in the inbox")
        made = await asyncio.gather(*map(self._drained, originals))
        await self._publisher.publish([record for records in made for record in records])
        self._kept.forget(originals)
        for steps, records in zip(waited, made, strict=True):
            steps.done("publish from the inbox")
            self._tell(records, steps, "inbox")

    async def _drained(self, original: Original) -> list[Record]:
        account = self._accounts.find(original.provider, original.account)
        if account is None:
            return [orphan(original, self._service)]
        drafts = await self.drafts(original, account)
        if not drafts:
            return []
        return await self.completed(drafts, account, await self._kept.keep(original))

    async def _data(
        self, draft: Draft, account: ChannelAccount, raw_ref: str
    ) -> Message | MessageStatus:
        data = msgspec.structs.replace(draft.data, raw_ref=raw_ref)
        if isinstance(data, Message):
            attachments = await self._stored(draft, data, account.tenant)
            data = fitting(
                msgspec.structs.replace(data, team=account.team, attachments=attachments)
            )
        kind = data.kind if isinstance(data, Message) else "status"
        metrics.messages_accepted.labels(
            account.provider, account.account, account.team or "", kind
        ).inc()
        return data

    async def _stored(self, draft: Draft, message: Message, tenant: str) -> tuple[Attachment, ...]:
        locations = {
            file.sha256: await self._objects.put_file(tenant, file) for file in draft.files
        }
        return tuple(
            msgspec.structs.replace(
                item, location=locations[item.sha256], state=AttachmentState.STORED
            )
            if item.sha256 in locations
            else item
            for item in message.attachments
        )
