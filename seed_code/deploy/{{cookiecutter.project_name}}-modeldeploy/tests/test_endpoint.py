"""Real requests to the live endpoint of $STAGE; skipped where STAGE is not set."""

import json
import math
import os
from pathlib import Path

import pytest
from tidegate.aws import client
from tidegate.stage import load_repo

from payloads import PAYLOADS, Payload

pytestmark = [
    pytest.mark.skipif("STAGE" not in os.environ, reason="set STAGE to try the endpoint of a stage"),
    pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name),
]


@pytest.fixture(scope="module")
def invoke():
    repo = load_repo(Path(__file__).parents[1])
    stage = repo.stage(os.environ["STAGE"])
    runtime = client("sagemaker-runtime", stage.region, repo.look_role(stage))

    def call(payload: Payload):
        return runtime.invoke_endpoint(
            EndpointName=repo.endpoint_name(stage),
            ContentType=payload.content_type,
            Accept=payload.content_type,
            Body=payload.body,
        )

    return call


def numbers(response) -> list[float]:
    """Read the predictions of an answer in CSV or JSON, whatever the model puts around them."""
    body = response["Body"].read().decode()
    if response["ContentType"].startswith("application/json"):
        found = json.loads(body)
        found = next(iter(found.values())) if isinstance(found, dict) else found
        return [float(number) for number in found]
    return [float(cell) for cell in body.replace(",", "\n").split()]


def test_every_row_gets_an_answer_that_makes_sense(invoke, payload: Payload):
    response = invoke(payload)
    answers = numbers(response)

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(answers) == payload.answers
    assert all(math.isfinite(answer) for answer in answers)
    assert all(payload.minimum <= answer <= payload.maximum for answer in answers), answers


def test_the_same_request_gets_the_same_answer(invoke, payload: Payload):
    assert numbers(invoke(payload)) == pytest.approx(numbers(invoke(payload)))
