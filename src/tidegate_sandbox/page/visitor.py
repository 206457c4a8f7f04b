"""Who may use the page: a browser that was sent to it by a person, and no other page that the browser happens to show.

Any page of the web can make a browser send requests to 127.0.0.1. It cannot read the answers, for none allows another
origin to; so the token that each change needs, which only the page's own script reads, is none of theirs. A name that
was made to resolve to 127.0.0.1 is turned away by the Host that it sends.
"""

import secrets
from collections.abc import Mapping

TOKEN_HEADER = "x-tidegate-token"  # noqa: S105 - the name of a header
_OWN_FETCHES = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of the page's own requests, and of an address that a person typed.

https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""


def follows_link(headers: Mapping[str, str]) -> bool:
    """Return whether somebody goes from another page to this one: it fills a tab, and no frame of that other page."""
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return navigates and "origin" not in headers


class Visitors:
    """Tells the page's own requests from others; `port` is where the sandbox listens."""

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})

    def refusal(self, headers: Mapping[str, str], *, to_page: bool = False) -> str | None:
        """Return why a request with these `headers` (lower case) is not answered, None where it is.

        `to_page`: it asks for the page itself, to which a link of another page may lead.
        """
        host = headers.get("host", "")
        if host not in self._hosts:
            return "This page is served at 127.0.0.1 and localhost only."
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return "This page answers no other page."
        if headers.get("sec-fetch-site", "none") not in _OWN_FETCHES and not (to_page and follows_link(headers)):
            return "This page answers no other page."
        return None

    def refusal_of_change(self, headers: Mapping[str, str]) -> str | None:
        """Return why a request with these `headers` may change nothing, None where it may."""
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "A change is asked for in JSON."
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return "The page was loaded from a sandbox that has ended since: load it again."
        return None
