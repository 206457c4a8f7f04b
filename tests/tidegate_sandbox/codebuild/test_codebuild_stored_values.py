"""How a buildspec names secrets, and what a log hides."""

import pytest

from tidegate_sandbox.services.codebuild.stored import Secret, masked, secret

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:demo-AbCdEf"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("demo", Secret("demo")),
        ("demo:password", Secret("demo", "password")),
        ("demo:password:AWSPREVIOUS", Secret("demo", "password", "AWSPREVIOUS")),
        ("demo:password:AWSCURRENT:1234", Secret("demo", "password", "AWSCURRENT", "1234")),
        ("demo::AWSPREVIOUS", Secret("demo", "", "AWSPREVIOUS")),
        (ARN, Secret(ARN)),
        (f"{ARN}:password", Secret(ARN, "password")),
        (f"{ARN}:password:AWSPREVIOUS:1234", Secret(ARN, "password", "AWSPREVIOUS", "1234")),
    ],
)
def test_a_secret_is_named_in_any_of_these_forms(written: str, read: Secret) -> None:
    assert secret(written) == read


def test_a_log_hides_values_their_lines_and_the_ids_of_access_keys() -> None:
    told = masked(
        "a open-sesame b\nsecond line\nASIAABCDEFGHIJKLMNOP and ASIA", ["open-sesame", "first\nsecond line", ""]
    )

    assert told == "a *** b\n***\n*** and ASIA"
