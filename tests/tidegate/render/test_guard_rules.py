"""What schemas miss: every update that is rendered keeps the rules of `release.guard`, and every rule can be broken."""

import json
from pathlib import Path

import pytest
from cloudformation_validate import CompositeEngine, CompositeEngineConfig, Severity, file_to_external_rule_source

from tests.tidegate.render.cases import CASES, rendered
from tidegate.render.document import parse

RULES = Path(__file__).parent / "release.guard"


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    rules = [file_to_external_rule_source(str(RULES))]
    return CompositeEngine(CompositeEngineConfig(rego_rules=[], cel_rules=[], guard_rules=rules))


def broken_rules(engine: CompositeEngine, template: str) -> set[str]:
    found = engine.validate_template(template.encode()).diagnostics
    return {each.rule_id for each in found if each.severity in {Severity.ERROR, Severity.FATAL}}


def template_of(case: str) -> str:
    (text,) = (text for name, text in rendered(case).files.items() if name.endswith(".template.yaml"))
    return text


@pytest.mark.parametrize("case", CASES)
def test_no_update_breaks_a_rule(case, engine):
    assert broken_rules(engine, template_of(case)) == set()


def config(document: dict) -> dict:
    return document["Resources"]["EndpointConfig"]["Properties"]


def endpoint(document: dict) -> dict:
    return document["Resources"]["Endpoint"]["Properties"]


def policy(document: dict) -> dict:
    return next(iter(endpoint(document)["DeploymentConfig"].values()))


def routing(document: dict) -> dict:
    return policy(document)["TrafficRoutingConfiguration"]


def alarm(document: dict) -> dict:
    return document["Resources"]["RollbackAlarm1Variant"]["Properties"]


def job(document: dict, kind: str) -> dict:
    return document["Resources"][f"{kind}JobDefinition"]["Properties"]


DEPLOYMENT = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}}
BREAKS = [
    ("canary", "what_serves_is_retained", lambda d: d["Resources"]["Model"].pop("DeletionPolicy")),
    ("canary", "what_serves_is_retained", lambda d: d["Resources"]["EndpointConfig"].pop("UpdateReplacePolicy")),
    ("canary", "what_is_replaced_has_no_name", lambda d: config(d).update(EndpointConfigName="mine")),
    ("canary", "a_release_is_recognised", lambda d: config(d).pop("Tags")),
    (
        "canary",
        "one_update_policy",
        lambda d: endpoint(d)["DeploymentConfig"].update(
            RollingUpdatePolicy={"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
        ),
    ),
    ("canary", "a_blue_green_update_says_how_long_it_waits", lambda d: routing(d).pop("WaitIntervalInSeconds")),
    ("canary", "a_canary_has_a_size_of_its_own", lambda d: routing(d).pop("CanarySize")),
    ("canary", "a_canary_has_a_size_of_its_own", lambda d: routing(d)["CanarySize"].update(Value=51)),
    ("linear", "a_linear_update_has_steps_of_its_own", lambda d: routing(d)["LinearStepSize"].update(Value=9)),
    ("linear", "a_linear_update_has_steps_of_its_own", lambda d: routing(d).pop("LinearStepSize")),
    ("rolling", "a_rolling_update_has_batches_within_bounds", lambda d: policy(d)["MaximumBatchSize"].update(Value=4)),
    (
        "canary",
        "what_bakes_in_steps_is_watched",
        lambda d: endpoint(d)["DeploymentConfig"].pop("AutoRollbackConfiguration"),
    ),
    (
        "rolling",
        "what_bakes_in_steps_is_watched",
        lambda d: endpoint(d)["DeploymentConfig"].pop("AutoRollbackConfiguration"),
    ),
    (
        "shadow",
        "a_shadow_is_one_beside_one",
        lambda d: config(d)["ProductionVariants"][0].update(InitialVariantWeight=0.5),
    ),
    ("shadow", "a_shadow_is_one_beside_one", lambda d: endpoint(d).update(DeploymentConfig=DEPLOYMENT)),
    (
        "shadow",
        "a_shadow_is_one_beside_one",
        lambda d: config(d)["ProductionVariants"].append(config(d)["ProductionVariants"][0]),
    ),
    ("ab", "several_variants_are_not_guarded", lambda d: endpoint(d).update(DeploymentConfig=DEPLOYMENT)),
    ("autoscaling", "autoscaled_instances_are_kept", lambda d: endpoint(d).pop("RetainAllVariantProperties")),
    ("autoscaling", "autoscaled_instances_are_kept", lambda d: endpoint(d).pop("ExcludeRetainedVariantProperties")),
    ("autoscaling", "autoscaled_instances_are_kept", lambda d: d["Resources"]["ScalableTarget"].pop("DependsOn")),
    ("canary", "an_alarm_is_on_a_metric_that_exists", lambda d: alarm(d).update(MetricName="InvocationErrors")),
    ("canary", "an_alarm_is_on_a_metric_that_exists", lambda d: alarm(d).update(TreatMissingData="breaching")),
    ("canary", "everything_at_rest_is_encrypted", lambda d: config(d).pop("KmsKeyId")),
    ("shadow", "everything_at_rest_is_encrypted", lambda d: config(d)["DataCaptureConfig"].pop("KmsKeyId")),
    *(
        ("monitoring", f"what_a_{word}_monitor_keeps_is_encrypted", break_it)
        for word, kind in (("data", "DataQuality"), ("model", "ModelQuality"))
        for break_it in (
            lambda d, kind=kind: job(d, kind)[f"{kind}JobOutputConfig"].pop("KmsKeyId"),
            lambda d, kind=kind: job(d, kind)["JobResources"]["ClusterConfig"].pop("VolumeKmsKeyId"),
            lambda d, kind=kind: job(d, kind).update(JobDefinitionName="mine"),
        )
    ),
]


@pytest.mark.parametrize(("case", "rule", "break_it"), BREAKS)
def test_a_template_that_breaks_a_rule_is_found(case, rule, break_it, engine):
    document = parse(template_of(case), lambda line: f"line {line}")
    break_it(document)
    assert rule in broken_rules(engine, json.dumps(document))


def test_every_rule_is_broken_by_some_template():
    rules = {line.split()[1] for line in RULES.read_text().splitlines() if line.startswith("rule ")}
    assert rules == {rule for _, rule, _ in BREAKS}
