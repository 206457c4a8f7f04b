"""What can be known without an endpoint: the files are right, and every payload says what it expects."""

from pathlib import Path

import pytest
from tidegate.stage import load_repo

from payloads import PAYLOADS, Payload

ROOT = Path(__file__).parents[1]


def test_every_stage_file_is_right():
    repo = load_repo(ROOT)

    assert {stage.name for stage in repo.stages} >= {"staging", "prod"}, "the pipeline deploys these two"


def test_every_payload_is_expected_and_every_expected_payload_is_there():
    files = {path.name for path in (ROOT / "payloads").iterdir() if path.suffix not in {".md", ".json"}}

    assert files == {payload.name for payload in PAYLOADS}


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_a_payload_fits_in_a_request(payload: Payload):
    assert 0 < len(payload.body) <= 6_291_456, "InvokeEndpoint takes no more"
    assert payload.answers > 0
    assert payload.minimum < payload.maximum
