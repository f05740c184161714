"""Text whose paragraphs were wrapped for transport: format=flowed (RFC 3676)."""

_SIGNATURE = "-- "


def unwrap(text: str, *, delete_space: bool) -> str:
    """Return the paragraphs on one line each, quote marks kept.

    `delete_space` is DelSp=yes: the blank at a soft break goes, which Japanese needs.
    """
    unwrapped: list[str] = []
    running: str | None = None
    running_depth = 0
    for line in text.split("\n"):
        depth, content = _unquoted(line)
        if running is not None and depth == running_depth and content != _SIGNATURE:
            content = running + content
        elif running is not None:
            unwrapped.append(_quoted(running_depth, running))
        running, running_depth = None, depth
        if content.endswith(" ") and content != _SIGNATURE:
            running = content[:-1] if delete_space else content
        else:
            unwrapped.append(_quoted(depth, content))
    if running is not None:
        unwrapped.append(_quoted(running_depth, running))
    return "\n".join(unwrapped)


def _unquoted(line: str) -> tuple[int, str]:
    """Return the quote depth and the content, unstuffed."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _quoted(depth: int, content: str) -> str:
    return f"{'>' * depth} {content}" if depth else content
