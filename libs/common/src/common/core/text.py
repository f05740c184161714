"""Text that everything behind us can hold."""


def clean(text: str) -> str:
    """Return the text as UTF-8 and PostgreSQL can store it: NUL dropped, lone surrogates as U+FFFD.

    Surrogates that form a pair become their character. Everything else stays: text is evidence.
    """
    text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
