"""What holds of every valid stage: it renders, in each phase, to a template that says what the file says."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tidegate.render.cases import CASES, REGISTERED, package
from tests.tidegate.render.payloads import CloudFormationLoader, calls, dashboard_faults, faults
from tests.tidegate.stage.valid_stages import repos
from tidegate.render import Baselines, Phase, Rendered, render_live, render_stage, render_test
from tidegate.render.document import check, parse, resources
from tidegate.stage import Repo, Stage

LAW = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
BASELINES = st.sampled_from((REGISTERED, Baselines()))


def phases(repo: Repo, stage: Stage, baselines: Baselines) -> list[Rendered]:
    return [
        render_stage(repo, stage, package(7), baselines=baselines),
        render_live(repo, stage, package(6), baselines=baselines),
        *([render_test(repo, stage, package(6), package(7), baselines=baselines)] if stage.test else []),
    ]


def template_of(rendered: Rendered) -> str:
    (text,) = (text for name, text in rendered.files.items() if name.endswith(".template.yaml"))
    return text


def parameters_of(rendered: Rendered) -> dict[str, str]:
    (text,) = (text for name, text in rendered.files.items() if name.endswith(".config.json"))
    return json.loads(text)["Parameters"]


def line(number: int) -> str:
    return f"line {number}"


@LAW
@given(repos(), BASELINES)
def test_every_valid_stage_becomes_what_every_api_accepts(repo, baselines):
    for stage in repo.stages:
        for rendered in phases(repo, stage, baselines):
            text = template_of(rendered)
            document = parse(text, line)
            record = rendered.record
            check(
                document,
                text,
                line,
                endpoint_name=record.endpoint_name,
                variant=record.variant,
                release_id=record.release_id,
                guarded=record.phase is Phase.RELEASE,
                alarms=record.alarms,
            )
            refused = [fault for call in calls(document, parameters_of(rendered)) for fault in faults(*call)]
            assert refused == []
            (dashboard,) = resources(document, "AWS::CloudWatch::Dashboard").values()
            assert dashboard_faults(dashboard["DashboardBody"]) == []


@LAW
@given(repos())
def test_what_a_file_says_is_what_cloudformation_reads(repo):
    for stage in repo.stages:
        document = yaml.load(template_of(render_stage(repo, stage, package(7))), CloudFormationLoader)
        made = {name: resource["Properties"] for name, resource in document["Resources"].items()}
        (container,) = made["Model"]["Containers"]
        assert container.get("Environment", {}) == dict(stage.environment)
        assert made["Model"].get("EnableNetworkIsolation", False) == stage.network.isolation
        assert tuple(made["Model"].get("VpcConfig", {}).get("Subnets", ())) == stage.network.subnets
        (variant,) = made["EndpointConfig"]["ProductionVariants"]
        assert (variant["VariantName"], variant["InstanceType"], variant["InitialInstanceCount"]) == (
            repo.variant,
            stage.instances.type,
            stage.instances.count,
        )
        assert variant.get("VolumeSizeInGB") == stage.instances.volume_size
        capture = made["EndpointConfig"].get("DataCaptureConfig")
        assert (capture and capture["InitialSamplingPercentage"]) == (stage.capture and stage.capture.sampling)
        alarms = [each for each in made.values() if "ComparisonOperator" in each]
        assert [each["Threshold"] for each in alarms[::2]] == [rule.threshold for rule in stage.release.rollback_on]
        topics = [stage.notifications.topic] if stage.notifications else None
        assert all(each.get("AlarmActions") == topics for each in alarms)
        target = made.get("ScalableTarget")
        assert (target and (target["MinCapacity"], target["MaxCapacity"])) == (
            stage.autoscaling and (stage.autoscaling.min, stage.autoscaling.max)
        )


@LAW
@given(repos())
def test_equal_stages_have_equal_bytes_and_a_release_id_of_their_own_content(repo):
    for stage in repo.stages:
        first, again = (render_stage(repo, stage, package(7)) for _ in range(2))
        assert first == again
        assert render_live(repo, stage, package(7)).record.release_id == first.record.release_id
        assert render_stage(repo, stage, package(8)).record.release_id != first.record.release_id
        larger = stage.instances.model_copy(update={"type": "ml.r7i.48xlarge"})
        fleet = stage.model_copy(update={"instances": larger})
        assert render_stage(repo, fleet, package(7)).record.release_id != first.record.release_id
        loud = stage.model_copy(update={"tags": {"a": "b"}, "notifications": None, "approval": stage.approval})
        assert render_stage(repo, loud, package(7)).record.release_id == first.record.release_id


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_bytes_are_the_same_in_every_process(seed):
    program = (
        "import hashlib; from tests.tidegate.render.cases import CASES, rendered\n"
        "print(hashlib.sha256(repr([sorted(rendered(name).files.items()) for name in CASES]).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", program], env=environment, cwd=root, capture_output=True, check=True)
    ours = [sorted(case.render().files.items()) for case in CASES.values()]
    assert ran.stdout.decode().strip() == hashlib.sha256(repr(ours).encode()).hexdigest()
