"""Which settings of the services are values of the chart: all of them, or it is said why not."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.settings import CommonSettings
from ingest_email.settings import Settings as EmailSettings
from ingest_sms.settings import Settings as SmsSettings
from ingest_social.settings import Settings as SocialSettings
from router.settings import Settings as RouterSettings
from timeline.settings import Settings as TimelineSettings

SERVICES: Mapping[str, type[CommonSettings]] = {
    "ingest_email": EmailSettings,
    "ingest_sms": SmsSettings,
    "ingest_social": SocialSettings,
    "router": RouterSettings,
    "timeline": TimelineSettings,
}
# Values of their own in the chart say these, often several at once.
SAID = frozenset(
    {
        *("kafka", "kafka_tls", "kafka_ca_file", "kafka_certificate_file", "kafka_key_file"),
        *("kafka_mechanism", "kafka_username", "kafka_password_file", "replication_factor"),
        *("database", "objects", "jwks", "issuer", "audience", "privacy_key", "link_keys"),
        *("public_url", "accounts", "rules", "instance", "smtp_host", "lmtp_port"),
        *("smtp_tls_certificate", "smtp_tls_key"),
    }
)
UNSAID = {
    "host": "the image says it",
    "port": "the image says it",
    "smtp_port": "Services and probes name the port, which is the default",
    "kafka_password": "a mounted file is followed while the pod runs",
    "secrets": "Kubernetes hands each secret over by itself",
    "topic_prefix": "for tests",
}
NARROWER: Mapping[str, Mapping[str, Any]] = {
    "log_level": {"enum": ["DEBUG", "INFO", "WARNING", "ERROR"]},
}

Schema = dict[str, Any]


def with_settings(text: str) -> str:
    """Return the schema of the values with the settings as the code has them today."""
    schema: Schema = json.loads(text)
    values = schema["properties"]
    values["settings"] = of_settings(CommonSettings)
    for service, settings in SERVICES.items():
        values["services"]["properties"][service]["properties"]["settings"] = of_settings(settings)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def of_settings(settings: type[CommonSettings]) -> Schema:
    """Return the schema of a map of settings, but for those that are said elsewhere."""
    fields = settings.model_json_schema()["properties"]
    free = {name: field for name, field in fields.items() if name not in SAID | UNSAID.keys()}
    properties = {in_values(name): of_field(name, field) for name, field in free.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def of_field(name: str, field: Schema) -> Schema:
    """Return what a value may be, as people and helm read it."""
    [kind] = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    said = {key: kind[key] for key in ("type", "enum", "minimum", "maximum") if key in kind}
    default = {} if field.get("default") is None else {"default": field["default"]}
    return {"description": field["description"], **default, **said, **NARROWER.get(name, {})}


def in_values(name: str) -> str:
    """Return how the values call a setting."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def faults(manifests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what containers are told that nobody reads, and what is said to nobody."""
    told = {
        variable["name"]
        for manifest in manifests
        for container in containers_of(manifest)
        for variable in container.get("env", [])
        if variable["name"].startswith("MADOGUCHI_")
    }
    read = {name for settings in SERVICES.values() for name in settings.model_fields}
    for name in sorted(told - {variable_of(name) for name in read}):
        yield f"{name} is told to containers, and nobody reads it"
    for name in sorted(SAID - {name for name in read if variable_of(name) in told}):
        yield f"{variable_of(name)} is told to no container"


def containers_of(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the containers of a workload, or none."""
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    found: list[Mapping[str, Any]] = pod.get("containers", [])
    return found


def variable_of(name: str) -> str:
    """Return how the environment calls a setting."""
    return f"MADOGUCHI_{name.upper()}"
