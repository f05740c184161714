"""Does a command print what the page shows? Compared is what stays the same from run to run."""

import re

ANYTHING = "…"
# What is another one each time, in the order in which it is looked for.
_CHANGING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "«address»"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "«id»"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "«hash»"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?"), "«time»"),
    (re.compile(r"(\b\d\d-\d\d )?\b\d\d:\d\d(:\d\d)?\b"), "«time»"),
    (re.compile(r"\bpid \d+"), "«pid»"),
    (re.compile(r"\b\d+\.\d s\b"), "«seconds»"),
    (re.compile(r"\b1\d{15}\b"), "«place»"),  # in the log of changes
)


def unsaid(shown: str, said: str) -> str | None:
    """Return the first line that a page shows and a command did not print in that order, or None.

    `…` stands for anything within a line, and a line of it for any lines.
    """
    lines = iter(said.splitlines())
    for line in filter(str.strip, shown.splitlines()):
        wanted = _pattern(line)
        if line.strip() != ANYTHING and not any(wanted.search(_steady(each)) for each in lines):
            return line
    return None


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(_steady(part)) for part in line.split(ANYTHING)))


def _steady(line: str) -> str:
    for changing, name in _CHANGING:
        line = changing.sub(name, line)
    return " ".join(line.split())
