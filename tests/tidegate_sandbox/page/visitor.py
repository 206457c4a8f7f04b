"""Asks the page's API as its own script does, or as somebody else's would."""

import json
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

SCOPE = "/_tidegate/api/111122223333/eu-west-1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, eq=False)
class Visitor:
    url: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), named)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def view(self, path: str) -> Any:
        answer = self.get(f"{SCOPE}/{path}")
        assert answer.status == 200, answer.body
        return answer.json

    @cached_property
    def token(self) -> str:
        return str(self.get("/_tidegate/api/sandbox").json["token"])

    def call(self, service: str, operation: str, parameters: Any, **headers: str) -> Answer:
        own = {"content_type": "application/json", "x_tidegate_token": self.token} | headers
        return self.send("POST", f"{SCOPE}/call/{service}/{operation}", parameters, **own)
