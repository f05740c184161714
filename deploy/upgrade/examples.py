"""Events as this version writes them, and which of another's events it cannot read.

    python examples.py write | python examples.py read

Either version runs it by its own Python, so it imports nothing but what both have: a line an event,
its type, a tab and its JSON.
"""

import json
import sys
from typing import Any

import msgspec
from msgspec import inspect

from common.core.event_types import EVENT_TYPES

UNKNOWN = "a_field_of_the_next_version"
_VALUES: dict[type[inspect.Type], Any] = {
    inspect.StrType: "窓口",
    inspect.IntType: 3,
    inspect.FloatType: 2.5,
    inspect.BoolType: True,
    inspect.NoneType: None,
    inspect.AnyType: {"何": ["でも", 1, None]},
    inspect.RawType: {"何": ["でも", 1, None]},
    inspect.BytesType: "56qT5Y+j",
    inspect.UUIDType: "6f2f5a0e-6d61-5646-9f6d-61646f677563",
    inspect.DateTimeType: "2026-11-22T09:30:00.123456+09:00",
    inspect.DateType: "2026-11-22",
    inspect.TimeType: "09:30:00",
    inspect.TimeDeltaType: "PT1H",
    inspect.DecimalType: "2.5",
}


class Example:
    """A value of a type as JSON has it: `whole` with every field, else only with the required ones.

    `newer` adds a field to each object that nobody knows yet.
    """

    def __init__(self, *, whole: bool, newer: bool = False) -> None:
        self._whole = whole
        self._newer = newer

    def of(self, cls: type) -> Any:
        """Return a value of a type."""
        return self._of(inspect.type_info(cls))

    def _of(self, kind: inspect.Type) -> Any:
        if isinstance(kind, inspect.StructType):
            return self._object(kind)
        if isinstance(kind, inspect.UnionType):
            return self._of(min(kind.types, key=lambda one: isinstance(one, inspect.NoneType)))
        if isinstance(kind, inspect.EnumType):
            return next(iter(kind.cls)).value
        if isinstance(kind, inspect.LiteralType):
            return kind.values[0]
        return self._many(kind)

    def _object(self, kind: inspect.StructType) -> dict[str, Any]:
        made = {
            field.encode_name: self._of(field.type)
            for field in kind.fields
            if self._whole or field.required
        }
        return made | {UNKNOWN: {"what": ["it", "says"]}} if self._newer else made

    def _many(self, kind: inspect.Type) -> Any:
        if isinstance(kind, inspect.DictType):
            return {self._of(kind.key_type): self._of(kind.value_type)} if self._whole else {}
        if isinstance(kind, inspect.TupleType):
            return [self._of(item) for item in kind.item_types]
        if isinstance(kind, inspect.CollectionType):
            return [self._of(kind.item_type)] if self._whole else []
        return _VALUES[type(kind)]


def write() -> None:
    """Print two events of each type: with every field, and with few."""
    for name, cls in EVENT_TYPES.items():
        for whole in (True, False):
            value = Example(whole=whole).of(cls)
            sys.stdout.write(f"{name}\t{json.dumps(value)}\n")


def read() -> None:
    """Print a line for each event that cannot be read; those of unknown types are passed over."""
    for line in sys.stdin:
        name, _, value = line.partition("\t")
        cls = EVENT_TYPES.get(name)
        try:
            if cls is not None:
                msgspec.json.decode(value, type=cls)
        except msgspec.ValidationError as error:
            sys.stdout.write(f"{name}: {error}\n")


if __name__ == "__main__":
    write() if sys.argv[1] == "write" else read()
