"""Text whose paragraphs were wrapped for transport: format=flowed (RFC 3676)."""

_SIGNATURE = "-- "


def unwrap(text: str, *, delete_space: bool) -> str:
    """Return the paragraphs on one line each, quote marks kept.

    `delete_space` is DelSp=yes: the blank at a soft break goes, which Japanese needs.
    """
    paragraphs: list[str] = []
    running: list[str] = []
    running_depth = 0
    for line in text.split("\n"):
        depth, content = _unquoted(line)
        if running and (depth != running_depth or content == _SIGNATURE):
            paragraphs.append(_quoted(running_depth, running))
            running = []
        is_soft = content.endswith(" ") and content != _SIGNATURE
        running.append(content[:-1] if is_soft and delete_space else content)
        running_depth = depth
        if not is_soft:
            paragraphs.append(_quoted(depth, running))
            running = []
    if running:
        paragraphs.append(_quoted(running_depth, running))
    return "\n".join(paragraphs)


def _unquoted(line: str) -> tuple[int, str]:
    """Return the quote depth and the content, unstuffed."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _quoted(depth: int, pieces: list[str]) -> str:
    content = "".join(pieces)
    return f"{'>' * depth} {content}" if depth else content
