"""How much of a mail is read. Mail is written by strangers: every cost below is bounded.

A mail over a hard limit is kept raw and marked `unsupported`; a soft limit cuts and says so in
`attributes["truncated"]`.
"""

# Hard: above these the structure is not read at all.
MESSAGE_BYTES = 35_000_000
HEADER_BLOCK_BYTES = 256_000
PARTS = 500
DEPTH = 150
FIELDS = 20_000  # header fields of all parts together
DELIMITERS = 200_000  # lines that begin like a boundary, `--`

# Soft: what is above them stays in the original only.
HEADER_BYTES = 16_000
HEADERS = 1_000
ADDRESSES = 1_000
FIELD_BYTES = 4_000  # of a part's own header field: there may be hundreds of parts
NAME_CHARACTERS = 200
SUBJECT_CHARACTERS = 2_000
ATTRIBUTE_CHARACTERS = 1_000
REFERENCES = 100

# The bodies of a mail are read so far (bytes and parts), and shown so far (characters: an event must
# fit a Kafka record, common.core.sizes). What is longer travels whole as a file beside the message.
BODY_READ_BYTES = 500_000
BODY_PARTS = 50
TEXT_CHARACTERS = 60_000
HTML_CHARACTERS = 200_000


class LimitExceededError(Exception):
    """A hard limit was met. `limit` is size, header-block, fields, parts, depth or delimiters."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
