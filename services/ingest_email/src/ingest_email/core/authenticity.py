"""SPF, DKIM and DMARC as our own gateway saw them (RFC 8601)."""

import re

from common.core.events import Authenticity
from ingest_email.core.headers import Headers

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)


def read_authenticity(headers: Headers, authserv_id: str | None) -> Authenticity:
    """Return the results of the topmost Authentication-Results, if our gateway wrote it.

    Anybody can send such a field; our gateway adds its own above, so only the first counts, and only
    under the gateway's name (§5). Of several DKIM signatures the best counts.
    """
    topmost = _COMMENT.sub(" ", headers.get("authentication-results").decode("latin-1"))
    authority, *results = topmost.split(";")
    if not authserv_id or authority.split()[:1] != [authserv_id]:
        return Authenticity()
    found: dict[str, str] = {}
    for result in results:
        if match := _RESULT.match(result.strip()):
            method, value = match[1].lower(), match[2].lower()
            if found.get(method) != "pass":
                found[method] = value
    return Authenticity(spf=found.get("spf"), dkim=found.get("dkim"), dmarc=found.get("dmarc"))
