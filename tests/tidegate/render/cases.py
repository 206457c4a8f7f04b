"""A stage for every strategy, test and option: the repositories that golden files are kept of."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.tidegate.stage.valid_stages import ENDPOINT, repo_of
from tidegate.registry import ModelPackage
from tidegate.render import Baseline, Baselines, Phase, Rendered, render_live, render_stage, render_test
from tidegate.stage import Repo

GROUP = "bikeshare-p-abc123def456"
RULES = [
    {"metric": "Invocation5XXErrors", "above": "1%", "periods": "2 of 3"},
    {"metric": "ModelLatency", "above": "250ms"},
]
FLEET = {"type": "ml.m5.large", "count": 4}
ALL_AT_ONCE = {"strategy": "all_at_once", "termination_wait": "5m", "rollback_on": RULES}
CANARY = {
    "strategy": "canary",
    "canary_size": "25%",
    "wait_interval": "10m",
    "termination_wait": "5m",
    "maximum_execution_timeout": "1h",
    "rollback_on": RULES,
}
LINEAR = {"strategy": "linear", "linear_step_size": "25%", "wait_interval": "5m", "rollback_on": RULES}
ROLLING = {"strategy": "rolling", "maximum_batch_size": "25%", "wait_interval": "5m", "rollback_on": RULES}
SHADOW = {"shadow": {"sampling": "50%", "duration": "2h"}}
AB = {"ab": {"challenger_weight": "10%", "duration": "24h"}}
CAPTURE = {"sampling": "100%"}
NETWORK = {
    "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "security_groups": ["sg-0123456789abcdef0"],
}
MONITORING = {
    "data_quality": {"schedule": "hourly"},
    "model_quality": {
        "schedule": "daily",
        "ground_truth": "s3://rides-truth/merged",
        "problem_type": "Regression",
        "inference_attribute": "0",
    },
}
REGISTERED = Baselines(
    Baseline("s3://rides/baseline/statistics.json", "s3://rides/baseline/constraints.json"),
    Baseline("s3://rides/quality/statistics.json", "s3://rides/quality/constraints.json"),
)


def place(account: str, region: str, partition: str) -> dict[str, Any]:
    """Return what `endpoint.yml` says of a project in that partition."""
    return ENDPOINT | {
        "project": {"name": "bikeshare", "id": "p-abc123def456", "account": account, "region": region},
        "execution_role": f"arn:{partition}:iam::{account}:role/tidegate/sagemaker-p-abc123def456-execution",
        "kms_key": f"arn:{partition}:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    }


@dataclass(frozen=True)
class Case:
    """A stage `prod` and the update of it that is rendered."""

    release: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    phase: Phase = Phase.RELEASE
    endpoint: dict[str, Any] = field(default_factory=lambda: ENDPOINT)
    baselines: Baselines = REGISTERED

    @property
    def repo(self) -> Repo:
        return repo_of({"prod": {"instances": FLEET, "release": self.release, **self.options}}, self.endpoint)

    def render(self) -> Rendered:
        repo = self.repo
        (stage,) = repo.stages
        match self.phase:
            case Phase.RELEASE:
                return render_stage(repo, stage, package(7, stage.region, stage.account), baselines=self.baselines)
            case Phase.LIVE:
                return render_live(repo, stage, package(6), baselines=self.baselines)
            case Phase.TEST:
                return render_test(repo, stage, package(6), package(7), baselines=self.baselines)


def package(version: int, region: str = "eu-west-1", account: str = "111122223333") -> ModelPackage:
    partition = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}.get(region, "aws")
    arn = f"arn:{partition}:sagemaker:{region}:{account}:model-package/{GROUP}/{version}"
    return ModelPackage(arn, version, "Completed", "Approved")


KITCHEN_SINK: dict[str, Any] = {
    "instances": FLEET | {"volume_size": 50, "price_per_hour": "0.134 USD"},
    "autoscaling": {"min": 2, "max": 8, "invocations_per_instance": 700, "scale_in_cooldown": "10m"},
    "capture": CAPTURE,
    "environment": {"LOG_LEVEL": "no", "QUOTED": "\"}{{ 7 * 7 }}'", "PLACE": "Zürich"},
    "timeouts": {"model_download": "10m", "container_startup": "5m"},
    "network": NETWORK | {"isolation": True},
    "tags": {"team": "rides", "cost centre": "007"},
    "expect": {"requests_per_minute": 600, "error_rate": "0.1%"},
    "monitoring": MONITORING,
    "notifications": {"topic": "arn:aws:sns:eu-west-1:111122223333:releases"},
    "approval": "automatic",
}
CASES = {
    "all_at_once": Case(ALL_AT_ONCE),
    "all_at_once-unwatched": Case({"strategy": "all_at_once"}),
    "canary": Case(CANARY),
    "canary-instances": Case(CANARY | {"canary_size": 1}),
    "linear": Case(LINEAR | {"termination_wait": "10m"}),
    "linear-instances": Case(LINEAR | {"linear_step_size": 2}),
    "rolling": Case(ROLLING),
    "rolling-back-in-batches": Case(ROLLING | {"maximum_batch_size": 1, "rollback_maximum_batch_size": "50%"}),
    "shadow": Case(CANARY, {"test": SHADOW, "capture": CAPTURE}, Phase.TEST),
    "shadow-of-two": Case(
        ROLLING,
        {"test": {"shadow": SHADOW["shadow"] | {"instance_count": 2, "variant": "Next"}}, "capture": CAPTURE},
        Phase.TEST,
    ),
    "shadow-ended": Case(CANARY, {"test": SHADOW, "capture": CAPTURE}, Phase.LIVE),
    "shadow-released": Case(CANARY, {"test": SHADOW, "capture": CAPTURE}),
    "ab": Case(LINEAR, {"test": AB, "capture": CAPTURE}, Phase.TEST),
    "ab-ended": Case(LINEAR, {"test": AB, "capture": CAPTURE}, Phase.LIVE),
    "ab-autoscaled": Case(
        ALL_AT_ONCE,
        {"test": AB, "autoscaling": {"min": 2, "max": 8, "invocations_per_instance": 700}},
        Phase.TEST,
    ),
    "autoscaling": Case(ROLLING, {"autoscaling": {"min": 4, "max": 12, "invocations_per_instance": 700}}),
    "environment": Case(CANARY, {"environment": {"LOG_LEVEL": "no", "NUMBER": "007", "BRACES": "{{ 7 * 7 }}"}}),
    "timeouts-and-volume": Case(
        CANARY,
        {"timeouts": {"model_download": "30m", "container_startup": "10m"}, "instances": FLEET | {"volume_size": 100}},
    ),
    "network": Case(CANARY, {"network": NETWORK}),
    "isolation": Case(CANARY, {"network": {"isolation": True}}),
    "notifications-and-tags": Case(
        CANARY,
        {"notifications": {"topic": "arn:aws:sns:eu-west-1:111122223333:releases"}, "tags": {"team": "rides"}},
    ),
    "monitoring": Case(CANARY, {"capture": CAPTURE, "monitoring": MONITORING}),
    "monitoring-against-files": Case(
        CANARY,
        {
            "capture": CAPTURE,
            "monitoring": {
                "data_quality": {"schedule": "daily", "baseline": "s3://rides/own/", "instance_type": "ml.m5.2xlarge"}
            },
        },
    ),
    "monitoring-against-nothing": Case(CANARY, {"capture": CAPTURE, "monitoring": MONITORING}, baselines=Baselines()),
    "china": Case(CANARY, {"capture": CAPTURE}, endpoint=place("222233334444", "cn-north-1", "aws-cn")),
    "gov": Case(CANARY, endpoint=place("333344445555", "us-gov-west-1", "aws-us-gov")),
    "kitchen-sink": Case(CANARY, KITCHEN_SINK),
    "kitchen-sink-shadow": Case(CANARY, KITCHEN_SINK | {"test": SHADOW}, Phase.TEST),
}


@cache
def rendered(name: str) -> Rendered:
    """Return what the case of that name becomes, once for all tests."""
    return CASES[name].render()
