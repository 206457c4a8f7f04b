"""What a stage's updates depend on is read from AWS: what serves, which versions there are, their baselines."""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.tidegate.answering import answering, refusal
from tests.tidegate.render.cases import CANARY, CAPTURE, FLEET, MONITORING, SHADOW
from tests.tidegate.small_registry import BEGAN, SmallRegistry, package_arn
from tests.tidegate.stage.valid_stages import ENDPOINT, repo_of
from tidegate.errors import TidegateError
from tidegate.registry import Live
from tidegate.render import Baseline, Lookup, Situation, Unread
from tidegate.stage import Repo

GROUP = "shop-p-1"
OF_GROUP = ENDPOINT | {"model_package_group": GROUP}
ACCOUNT = "arn:aws:sagemaker:eu-west-1:111122223333"


def repo(**options: Any) -> Repo:
    stage = {"instances": FLEET, "release": CANARY, "capture": CAPTURE, **options}
    return repo_of({"prod": stage, "staging": stage}, OF_GROUP)


class Endpoint:
    """An endpoint on which one version serves; what it is asked is counted."""

    def __init__(
        self,
        registry: SmallRegistry,
        version: int | None,
        refuses: ClientError | None = None,
        tag: str = "0123456789abcdef",
    ) -> None:
        self.registry, self.version, self.refuses, self.tag = registry, version, refuses, tag
        self.asked: Counter[str] = Counter()
        self.regions: list[str] = []

    def client(self, region: str, role: str | None = None) -> Any:
        self.regions.append(region)
        handlers = {**self.registry.handlers, **{name: getattr(self, name) for name in dir(self) if name[0].isupper()}}
        counted = {name: self._counted(name, handler) for name, handler in handlers.items()}
        return answering("sagemaker", counted, region)

    def _counted(self, name: str, handler: Any) -> Any:
        def call(**parameters: Any) -> Any:
            self.asked[name] += 1
            return handler(**parameters)

        return call

    def DescribeEndpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N802, N803
        if self.refuses:
            raise self.refuses
        if self.version is None:
            raise refusal("ValidationException", f'Could not find endpoint "{EndpointName}".')
        return {
            "EndpointName": EndpointName,
            "EndpointArn": f"{ACCOUNT}:endpoint/{EndpointName}",
            "EndpointConfigName": "config-1",
            "EndpointStatus": "InService",
            "CreationTime": BEGAN,
            "LastModifiedTime": BEGAN,
        }

    def DescribeEndpointConfig(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N802, N803
        return {
            "EndpointConfigName": EndpointConfigName,
            "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/config-1",
            "ProductionVariants": [
                {"VariantName": "AllTraffic", "ModelName": "model-1", "InstanceType": "ml.m5.large"},
            ],
            "CreationTime": BEGAN,
        }

    def DescribeModel(self, ModelName: str) -> dict[str, Any]:  # noqa: N802, N803
        containers = [{"ModelPackageName": package_arn(self.version)}] if self.version else []
        return {
            "ModelName": ModelName,
            "ModelArn": f"{ACCOUNT}:model/{ModelName}",
            "Containers": containers,
            "CreationTime": BEGAN,
        }

    def ListTags(self, ResourceArn: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        return {"Tags": [{"Key": "tidegate:release", "Value": self.tag}]}


def situation(made: Repo, endpoint: Endpoint, wanted: str | None = None) -> Situation:
    """What the updates of the first stage depend on."""
    return Lookup(made, endpoint.client).situations(made.stages[:1], wanted)[0]


def test_what_serves_is_read_from_the_stages_region_and_versions_from_the_registry():
    endpoint = Endpoint(SmallRegistry("Approved", "Approved", "PendingManualApproval"), 1)
    made = repo()
    found = situation(made, endpoint)
    assert isinstance(found.live, Live)
    assert found.live.release_id == "0123456789abcdef"
    assert (found.release.version, found.champion) == (2, None)


def test_the_champion_of_a_test_that_is_left_over_is_what_serves():
    endpoint = Endpoint(SmallRegistry("Approved", "Approved"), 1, tag="0123456789abcdef.fedcba9876543210")
    made = repo()
    found = situation(made, endpoint)
    assert found.champion is not None
    assert (found.release.version, found.champion.version) == (2, 1)


def test_equal_questions_are_asked_once_for_all_stages():
    endpoint = Endpoint(SmallRegistry("Approved"), None)
    made = repo()
    found = Lookup(made, endpoint.client).situations(made.stages)
    assert [each.release.version for each in found] == [1, 1]
    assert endpoint.asked["ListModelPackages"] == 1
    assert endpoint.asked["DescribeEndpoint"] == 2
    assert endpoint.regions == ["eu-west-1"]


@pytest.mark.parametrize(("wanted", "version"), [(None, 3), ("1", 1), (package_arn(2), 2)])
def test_a_person_may_name_another_version_than_the_file(wanted, version):
    endpoint = Endpoint(SmallRegistry("Approved", "Approved", "Approved"), 2)
    made = repo()
    assert situation(made, endpoint, wanted).release.version == version


@pytest.mark.parametrize(
    ("options", "version", "champion"),
    [
        ({"version": 2, "test": SHADOW}, 2, 1),
        ({"test": SHADOW}, 3, 1),
        ({"version": 2, "test": SHADOW | {"challenger": 2}}, 2, 1),
        ({"test": SHADOW | {"champion": 2}}, 3, 2),
    ],
)
def test_the_words_of_a_file_name_what_is_released_and_what_it_is_compared_with(options, version, champion):
    endpoint = Endpoint(SmallRegistry("Approved", "Approved", "Approved"), 1)
    made = repo(**options)
    found = situation(made, endpoint)
    assert found.champion is not None
    assert (found.release.version, found.champion.version) == (version, champion)


def test_there_is_no_champion_before_there_is_an_endpoint():
    made = repo(test=SHADOW)
    found = situation(made, Endpoint(SmallRegistry("Approved"), None))
    assert (found.live, found.champion) == (None, None)


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_an_endpoint_that_may_not_be_read_stops_no_release(code):
    made = repo()
    endpoint = Endpoint(SmallRegistry("Approved"), None, refusal(code, "no", status=403))
    found = situation(made, endpoint)
    assert isinstance(found.live, Unread)
    assert "may not be read" in found.live.why


def test_an_endpoint_that_may_not_be_read_stops_a_test():
    made = repo(test=SHADOW)
    endpoint = Endpoint(SmallRegistry("Approved"), None, refusal("AccessDenied", "no", status=403))
    with pytest.raises(TidegateError, match="stage prod needs to know which version is live, but its endpoint may not"):
        situation(made, endpoint)


def test_an_answer_that_does_not_come_is_no_answer():
    made = repo()
    endpoint = Endpoint(SmallRegistry("Approved"), None, refusal("ThrottlingException", "slow down"))
    with pytest.raises(ClientError, match="slow down"):
        situation(made, endpoint)


def test_another_accounts_endpoint_is_looked_at_with_the_role_there_and_the_registry_with_none():
    look = "arn:aws:iam::222233334444:role/look"
    place = {"stage": "prod", "account": "222233334444", "region": "eu-west-1", "look_role": look}
    own = repo()
    project = own.project.model_dump() | {"places": [place | {"execution_role": look}]}
    made = own.model_copy(update={"project": type(own.project).model_validate(project)})
    there, registry = Endpoint(SmallRegistry(), 1), Endpoint(SmallRegistry("Approved"), None)

    found = Lookup(made, lambda region, role: {look: there, None: registry}[role].client(region))
    (found_there,) = found.situations(made.stages[:1])

    assert isinstance(found_there.live, Live)
    assert found_there.release.version == 1
    assert {name for name in there.asked if "ModelPackage" in name} == set()
    assert registry.asked["DescribeEndpoint"] == 0


def test_a_monitor_is_held_against_the_baselines_that_a_version_was_registered_with():
    registry = SmallRegistry("Approved")
    registry.versions[1]["DriftCheckBaselines"] = {
        "ModelDataQuality": {
            "Statistics": {"ContentType": "application/json", "S3Uri": "s3://rides/1/statistics.json"},
            "Constraints": {"ContentType": "application/json", "S3Uri": "s3://rides/1/constraints.json"},
        },
    }
    made = repo(monitoring=MONITORING)
    found = situation(made, Endpoint(registry, None))
    expected = Baseline("s3://rides/1/statistics.json", "s3://rides/1/constraints.json")
    assert (found.release_baselines.data_quality, found.release_baselines.model_quality) == (expected, Baseline())


def test_no_baselines_are_asked_for_where_the_file_names_its_own():
    made = repo(monitoring={"data_quality": {"schedule": "hourly", "baseline": "s3://rides/own"}})
    endpoint = Endpoint(SmallRegistry("Approved"), None)
    situation(made, endpoint)
    assert endpoint.asked["DescribeModelPackage"] == 1
