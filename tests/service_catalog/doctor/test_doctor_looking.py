"""Looking never breaks: whatever AWS answers, each topic says what it could not see."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from service_catalog.doctor import examine as examination
from service_catalog.doctor import quotas
from service_catalog.doctor.check import Verdict
from service_catalog.doctor.examine import TOPICS, examine
from service_catalog.doctor.looking import MISSING, Rim, Unread, look, read
from service_catalog.doctor.needs import BUILDS, RULES, needs
from service_catalog.doctor.question import Network, Question
from service_catalog.doctor.topic import Topic
from service_catalog.publishing.account import Account
from tests.tidegate.answering import answering

ARN = "arn:aws:codestar-connections:eu-west-1:111122223333:connection/00000000-0000-0000-0000-000000000000"
LAUNCHES = (
    Question(before="launch", network=Network("vpc-1", ("subnet-1",), ("sg-1",)), staging="222233334444"),
    Question(before="launch", git="connection", connection=ARN, repositories={"build": "a/b", "deploy": "a/d"}),
    Question(),
)
# What this machine can tell without anybody's leave.
CERTAIN = {"region", "node", "packages"}


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "TheCall")


NOW = datetime.now(UTC)
SESSION = boto3.Session(region_name="eu-west-1")


class Refusing:
    """A client whose every call raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: object, **__: object) -> Any:
            raise self._error

        return call


class RefusedRim(Rim):
    """A rim beyond which nobody answers but with `error`."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Account(SESSION, "111122223333", "eu-west-1"))
        self._error = error

    def client(self, service: str) -> Any:
        return Refusing(self._error)


ERRORS = {
    "denied": refusal("AccessDenied", "not you"),
    "throttled": refusal("ThrottlingException", "Rate exceeded."),
    "not there": refusal("NotImplemented", "TheCall is not in the local simulation"),
    "not a service": refusal("405", "<html>no</html>"),
    "unreachable": EndpointConnectionError(endpoint_url="https://nowhere.invalid"),
    "signed out": NoCredentialsError(),
}


@pytest.mark.parametrize("question", LAUNCHES, ids=["network", "connection", "publish"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=list(ERRORS))
def test_given_an_account_that_refuses_everything_then_every_topic_says_that_it_does_not_know(
    question: Question, error: Exception
) -> None:
    checks = examine(RefusedRim(error), question)
    assert checks
    for each in checks:
        if each.id in CERTAIN:
            continue
        # A bucket that refuses to be looked at is another account's, which is known.
        expected = {Verdict.FAILED, Verdict.UNKNOWN} if each.id == "admin-bucket" else {Verdict.UNKNOWN}
        assert each.verdict in expected, each
        assert each.remedy, each
        assert "Looking at this broke" not in each.sentence
        assert "<html>" not in each.sentence


def test_given_a_topic_that_breaks_then_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody thought of this")

    bad = Topic(TOPICS[0].subject, (), broken, lambda *_: [])
    good = Topic(TOPICS[1].subject, (), lambda *_: None, lambda *_: [TOPICS[1].subject.ok("All is well.")])
    monkeypatch.setattr(examination, "TOPICS", (bad, good))
    first, second = examine(RefusedRim(KeyError()), Question())
    assert first.verdict is Verdict.UNKNOWN
    assert "nobody thought of this" in first.sentence
    assert second.verdict is Verdict.OK


def test_then_the_findings_come_in_the_order_of_the_topics_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    examine(RefusedRim(ERRORS["denied"]), LAUNCHES[2], lambda done, of: told.append((done, of)))
    count = sum(1 for each in TOPICS if each.wanted(LAUNCHES[2]))
    assert told == [(done, count) for done in range(1, count + 1)]


def raising(error: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


def test_given_what_is_asked_for_is_not_there_then_it_is_missing_and_not_unread() -> None:
    assert look(raising(refusal("NoSuchEntity")), missing=["NoSuchEntity"]) == MISSING


def test_given_a_permission_that_lacks_then_the_remedy_is_the_permission() -> None:
    unread = read(raising(refusal("AccessDeniedException", "no")))
    assert unread == Unread("TheCall is not allowed to who is asking", denied=True)
    assert "Allow a:B and c:D" in unread.remedy("a:B", "c:D")


def test_given_another_error_then_the_remedy_is_no_permission() -> None:
    unread = read(raising(refusal("Throttling", "Rate exceeded.")))
    assert unread == Unread("TheCall answers Throttling: Rate exceeded")
    assert "Allow" not in unread.remedy("a:B")


def test_then_a_project_needs_what_its_seeds_say_with_the_largest_fleet_twice() -> None:
    # The seeds as they are: staging has one instance, production four, all of one type.
    assert needs("codecommit") == {
        "sagemaker": {
            "ml.m5.large for endpoint usage": 1 + 4 + 4,
            "ml.m5.large for training job usage": 1,
            "ml.m5.large for processing job usage": 1,
        },
        "codebuild": {BUILDS: 2},
        "events": {RULES: 9},
    }


def test_then_a_project_needs_as_many_rules_as_its_template_has(
    product: dict[str, Any], hosted: dict[str, Any]
) -> None:
    for git, template in {"codecommit": product, "connection": hosted}.items():
        rules = [each for each in template["Resources"].values() if each["Type"] == "AWS::Events::Rule"]
        assert needs(git)["events"] == {RULES: len(rules)}  # type: ignore[arg-type]


class Account300(RefusedRim):
    """An account with 292 rules on its bus, whose quota of instances names the metric of its use."""

    def client(self, service: str) -> Any:
        listed = {"events": [{"QuotaName": RULES, "QuotaCode": "L-1", "Value": 300.0}], "codebuild": []}
        metric = {
            "MetricNamespace": "AWS/Usage",
            "MetricName": "ResourceCount",
            "MetricDimensions": {"Service": "SageMaker", "Resource": "endpoint/ml.m5.large"},
            "MetricStatisticRecommendation": "Maximum",
        }
        instances = {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-2", "Value": 20.0}
        listed["sagemaker"] = [{**instances, "UsageMetric": metric}]

        def quotas(ServiceCode: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's own name
            return {"Quotas": [{**each, "ServiceCode": ServiceCode} for each in listed[ServiceCode]]}

        def rules(**_: Any) -> dict[str, Any]:
            return {"Rules": [{"Name": f"rule-{number}"} for number in range(292)]}

        def points(**asked: Any) -> dict[str, Any]:
            assert asked["Namespace"] == "AWS/Usage"
            assert {"Name": "Resource", "Value": "endpoint/ml.m5.large"} in asked["Dimensions"]
            times = (NOW - timedelta(minutes=10), NOW - timedelta(minutes=5))
            found = [{"Timestamp": at, "Maximum": value} for at, value in zip(times, (19.0, 12.0), strict=True)]
            return {"Label": "ResourceCount", "Datapoints": found}

        return answering(
            service,
            {
                "service-quotas": {"ListServiceQuotas": quotas, "ListAWSDefaultServiceQuotas": quotas},
                "events": {"ListRules": rules},
                "cloudwatch": {"GetMetricStatistics": points},
            }[service],
        )


def test_then_what_is_used_of_a_quota_is_counted_or_read_off_its_metric() -> None:
    found = quotas.gather(Account300(refusal("Unused")), Question())
    assert not isinstance(found, Unread)
    used = {each.name: (each.used, each.value) for each in found if each.value is not None}
    assert used == {RULES: (292.0, 300.0), "ml.m5.large for endpoint usage": (12.0, 20.0)}
    short = {each.sentence for each in quotas.judge(found, Question()) if each.verdict == Verdict.FAILED}
    assert short == {
        "'Number of rules' is 300, 292 in use, and a project needs 9 at once.",
        "'ml.m5.large for endpoint usage' is 20, 12 in use, and a project needs 9 at once.",
    }
