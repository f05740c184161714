"""A mail handed over by SMTP on the caller's event loop.

smtplib would need a thread a mail, and the threads' Python would hold back every webhook that the
same process sends at that moment.
"""

import asyncio
from collections.abc import Iterator

SECONDS = 30


async def hand_over(host: str, port: int, sender: str, recipient: str, mail: bytes) -> bool:
    """Return whether the server took responsibility (250 after the content). Raises OSError."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            return await _dialogue(reader, writer, sender, recipient, mail)
        except asyncio.IncompleteReadError:
            return False
        finally:
            writer.close()


async def _dialogue(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    sender: str,
    recipient: str,
    mail: bytes,
) -> bool:
    steps = _steps(sender, recipient, mail)
    for expected, line in steps:
        if await _reply(reader) != expected:
            return False
        writer.write(line)
    accepted = await _reply(reader) == b"250"
    writer.write(b"QUIT\r\n")
    return accepted


def _steps(sender: str, recipient: str, mail: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield which reply to wait for, and what to say then (RFC 5321, section 4.5.2 for the dots)."""
    yield b"220", b"EHLO customer.example.jp\r\n"
    yield b"250", f"MAIL FROM:<{sender}>\r\n".encode()
    yield b"250", f"RCPT TO:<{recipient}>\r\n".encode()
    yield b"250", b"DATA\r\n"
    lines = mail.removesuffix(b"\r\n").split(b"\r\n")
    content = b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines)
    yield b"354", content + b".\r\n"


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """Return the code of a reply, which may be of several lines."""
    while True:
        line = await reader.readuntil(b"\n")
        if line[3:4] != b"-":
            return line[:3]
