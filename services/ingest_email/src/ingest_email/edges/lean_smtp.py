"""aiosmtpd without what it does over and again: 0.2 ms of processor time a mail, of one or two.

For each connection it looks through every attribute of connection and handler for its hooks, and
inspects what it finds; for each address it makes a class, and a parse tree; and each line of a reply
is a write, which wakes whoever waits for the last one.
"""

import re
from collections.abc import Iterable
from typing import AnyStr

from aiosmtpd.smtp import SMTP
from typing_extensions import override

_HOOKS = ("smtp_", "auth_", "handle_")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"
# An address as nearly all are written, and parameters after it (RFC 5321, section 4.1.2).
_PLAIN = re.compile(rf"<({_DOTTED}@{_DOTTED})>(?: +([A-Z][ -'*-~]*))?")

_known: dict[type, tuple[str, ...]] = {}


def hooks(kind: type) -> tuple[str, ...]:
    """Return the names that aiosmtpd looks for, to be all that `dir` shows of a connection or handler."""
    if kind not in _known:
        _known[kind] = tuple(name for name in dir(kind) if name.startswith(_HOOKS))
    return _known[kind]


class LeanSmtp(SMTP):
    """One connection."""

    _reply: tuple[str, ...] = ()

    @override
    def __dir__(self) -> Iterable[str]:
        return hooks(type(self))

    @override
    async def push(self, status: AnyStr) -> None:
        """Send a reply, once its last line is there."""
        line = as_text(status)
        self._reply = (*self._reply, line)
        if line[3:4] != "-":
            whole, self._reply = "\r\n".join(self._reply), ()
            await super().push(whole)

    @override
    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = _PLAIN.fullmatch(arg)
        if plain is None or self.local_part_limit:
            found: tuple[str | None, str | None] = super()._getaddr(arg)
            return found
        return plain[1], plain[2] or ""


def as_text(status: str | bytes) -> str:
    """Return a reply, or a line of one, as text."""
    return status if isinstance(status, str) else status.decode()
