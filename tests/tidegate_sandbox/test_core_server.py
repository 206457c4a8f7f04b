"""The one server: what it answers, to whom, and what it opens."""

import http.client
import json
from urllib.parse import urlsplit


def get(sandbox, path, headers=None):
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_status_says_that_it_is_a_local_simulation(sandbox):
    status, page = get(sandbox, "/_tidegate/status")
    assert status == 200
    assert page["what"] == "local simulation"
    assert page["pid"] == sandbox.pid


def test_a_name_that_merely_resolves_to_this_machine_is_turned_away(sandbox):
    assert get(sandbox, "/_tidegate/status", {"Host": "attacker.example"})[0] == 403


def test_a_page_from_elsewhere_is_turned_away(sandbox):
    assert get(sandbox, "/_tidegate/status", {"Origin": "https://attacker.example"})[0] == 403


def test_own_memory_stays_under_300_mb(sandbox):
    assert get(sandbox, "/_tidegate/status")[1]["memory_bytes"] < 300 * 2**20
