"""Every name fits its service, for every project that SageMaker lets one make."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service_catalog.names import (
    PROJECT_ID_MAX,
    PROJECT_ID_PATTERN,
    PROJECT_NAME_MAX,
    PROJECT_NAME_PATTERN,
    ProjectNames,
    admin_bucket,
    launch_role,
    permissions_boundary,
)

project_names = st.from_regex(PROJECT_NAME_PATTERN, fullmatch=True).filter(lambda name: len(name) <= PROJECT_NAME_MAX)
project_ids = st.from_regex(PROJECT_ID_PATTERN, fullmatch=True)
regions = st.sampled_from(["us-east-1", "ap-southeast-1", "us-isob-east-1", "us-gov-west-1", "eu-isoe-west-1"])

LONGEST_STAGE = "abcdefghi"
PURPOSES = (
    "seed", "seed-starter", "build", "render", "verify", "pipeline", "cloudformation", "execution", "events",
    "approval", "build-push", "deploy-push", "decline", "decline-staging", "decline-prod",
)  # fmt: skip


@given(project_names, project_ids)
@example("a" * PROJECT_NAME_MAX, "p-" + "z" * (PROJECT_ID_MAX - 2))
@example("a--Z", "p-0")
def test_given_any_legal_project_then_every_name_is_legal_in_its_service(name: str, project_id: str) -> None:
    names = ProjectNames(name, project_id)
    for bucket in (names.bucket, names.log_bucket):
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket)
    for purpose in PURPOSES:
        assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", names.resource(purpose))
    for part in ("build", "deploy"):
        assert re.fullmatch(r"[A-Za-z0-9.@_-]{1,100}", names.pipeline(part))
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", names.repository(part))
        assert not names.repository(part).endswith(".git")
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", names.model_package_group)
    assert len(f"{names.prefix}-{LONGEST_STAGE}") <= 63
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", names.endpoint_stack(LONGEST_STAGE))
    assert len(names.build_log_group("seed")) <= 512


@given(project_names, project_ids, project_ids)
def test_given_two_ids_then_no_name_is_shared(name: str, one: str, other: str) -> None:
    if one == other:
        return
    first, second = ProjectNames(name, one), ProjectNames(name, other)
    assert first.bucket != second.bucket
    assert first.resource("seed") != second.resource("seed")
    assert first.prefix != second.prefix


@given(regions, st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_given_any_region_then_the_admin_names_fit(region: str, account: str) -> None:
    assert len(admin_bucket(account, region)) <= 63
    assert len(launch_role(region)) <= 64
    assert len(permissions_boundary(region)) <= 128


@pytest.mark.parametrize("name", ["{{7*7}}", "a{b", "a}b", "-a", "a-", "a_b", "a b", "../a", "", "a$b", "a\nb", "é"])
def test_given_a_hostile_name_then_the_pattern_refuses_it(name: str) -> None:
    assert not re.fullmatch(PROJECT_NAME_PATTERN, name)
