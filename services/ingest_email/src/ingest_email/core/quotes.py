"""What a person wrote in an answer, without what they quoted."""


def reply_text(text: str) -> str:
    """Return the text without quoted parts and signature."""
    return text
