"""When the bus itself has forgotten: asked of the brokers, whose settings count."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from common.core.errors import TransientError
from common.core.topics import ACTIVITIES, CUSTOMERS, DEAD_LETTER, MESSAGES, OUTBOUND, ROUTING
from common.edges.kafka import KafkaAccess, described, started
from timeline.core.erasure_certificate import Retained

# Consent is kept; see timeline.core.erasure_certificate.KEPT.
_TOPICS = (MESSAGES, ACTIVITIES, ROUTING, OUTBOUND, CUSTOMERS, DEAD_LETTER)
_FOR_EVER_MS = 2**62
_CHECKS = timedelta(minutes=5)  # log.retention.check.interval.ms


class Retaining(Protocol):
    """Who knows how long copies stay."""

    async def copies(self, erased_at: datetime) -> tuple[Retained, ...]:
        """Return until when copies of what was there at a moment may stay. Raises TransientError."""
        ...


class BusRetention:
    """Asks the brokers how long each topic keeps what."""

    def __init__(self, kafka: KafkaAccess, prefix: str = "") -> None:
        self._kafka = kafka
        self._prefix = prefix

    async def copies(self, erased_at: datetime) -> tuple[Retained, ...]:
        """Return each topic and when its last copy is gone. Raises TransientError."""
        settings = await self._settings()
        return tuple(
            Retained(f"bus: {topic.name}", gone_by(settings[self._prefix + topic.name], erased_at))
            for topic in _TOPICS
            if self._prefix + topic.name in settings
        )

    async def _settings(self) -> dict[str, dict[str, str]]:
        admin = AIOKafkaAdminClient(**self._kafka.options())
        try:
            await started(admin, self._kafka)
            existing = set(await admin.list_topics())
            wanted = {self._prefix + topic.name for topic in _TOPICS} & existing
            asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(wanted)]
            answers = await admin.describe_configs(asked)
        except (KafkaError, OSError) as error:
            raise TransientError(described(error)) from error
        finally:
            await admin.close()
        return {
            resource[3]: {entry[0]: entry[1] for entry in resource[4]}
            for answer in answers
            for resource in answer.resources
        }


def gone_by(settings: Mapping[str, str], erased_at: datetime) -> datetime | None:
    """Return when a topic with these settings has lost what it held; None where it need not.

    A segment goes as a whole, so its newest record keeps all of it; it is closed after `segment.ms`.
    In a compacted topic what is ended by a tombstone goes when it is compacted.
    """
    closing = int(settings["segment.ms"])
    if "delete" in settings["cleanup.policy"]:
        staying = int(settings["retention.ms"])
    else:
        staying = int(settings["max.compaction.lag.ms"])
    if staying < 0 or staying >= _FOR_EVER_MS:
        return None
    return erased_at + timedelta(milliseconds=staying + closing) + _CHECKS
