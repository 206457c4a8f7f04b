"""How the router shares an endpoint's traffic at this moment, from the sandbox's own ledger of the endpoint."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

from tidegate_sandbox import context
from tidegate_sandbox.context import Scope


def read(scope: Scope, endpoint: str) -> dict[str, Any]:
    """Return the ledger of an endpoint; one without traffic where there is no such endpoint."""
    connection = HTTPConnection("127.0.0.1", context.sandbox().port, timeout=10)
    query = urlencode({"account": scope.account, "region": scope.region})
    try:
        connection.request("GET", f"/_tidegate/endpoints/{quote(endpoint)}/ledger?{query}")
        answer = connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    return body if answer.status == 200 else {"traffic": [], "mirroring": [], "requests": [], "mirrored": []}
