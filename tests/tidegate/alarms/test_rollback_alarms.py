import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tidegate.alarms import rollback_alarms
from tidegate.stage import RollbackRule, limits

LONGEST_ENDPOINT_NAME = "e" * limits.ENDPOINT_NAME_MAX


def rule(**given) -> RollbackRule:
    return RollbackRule.model_validate({"metric": "Invocation5XXErrors", "above": "1%", **given})


def alarms_of(*rules: RollbackRule, endpoint_name: str = "shop-p-1-prod"):
    return rollback_alarms(rules, endpoint_name=endpoint_name, variant="AllTraffic")


def test_each_rule_becomes_an_alarm_on_the_new_fleet_and_one_on_the_variant():
    new_fleet, variant = alarms_of(rule())
    assert (new_fleet.new_fleet_only, variant.new_fleet_only) == (True, False)
    assert new_fleet.name == "shop-p-1-prod-rollback-1-Invocation5XXErrors-new-fleet"
    assert variant.name == "shop-p-1-prod-rollback-1-Invocation5XXErrors-variant"
    assert new_fleet.properties | {"AlarmName": "", "AlarmDescription": ""} == variant.properties | {
        "AlarmName": "",
        "AlarmDescription": "",
    }


def test_a_rate_is_an_average_between_0_and_1():
    properties = alarms_of(rule(above="1%", periods="2 of 3"))[0].properties
    assert properties["Statistic"] == "Average"
    assert properties["Threshold"] == 0.01
    assert (properties["DatapointsToAlarm"], properties["EvaluationPeriods"]) == (2, 3)
    assert "ExtendedStatistic" not in properties


def test_a_latency_is_a_percentile_in_microseconds():
    properties = alarms_of(rule(metric="ModelLatency", above="250ms"))[0].properties
    assert properties["ExtendedStatistic"] == "p99"
    assert properties["Threshold"] == 250_000
    assert "Statistic" not in properties


def test_a_period_is_a_minute_unless_the_rule_says_otherwise():
    usual, longer = alarms_of(rule())[0], alarms_of(rule(period="5m", periods="2 of 3"))[0]

    assert (usual.properties["Period"], longer.properties["Period"]) == (60, 300)
    assert "in 1 of 1 minutes" in usual.description
    assert "in 2 of 3 periods of 5m" in longer.description


def test_silence_and_equality_do_not_fire():
    properties = alarms_of(rule())[0].properties
    assert properties["TreatMissingData"] == "notBreaching"
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"


def test_two_rules_on_one_metric_have_alarms_of_their_own():
    specs = alarms_of(rule(above="1%"), rule(above="5%"))
    assert len({spec.name for spec in specs}) == len({spec.logical_id for spec in specs}) == 4


def test_no_rules_no_alarms():
    assert alarms_of() == ()


@pytest.mark.parametrize("metric", ["Invocation5XXErrors", "InvocationModelErrors", "ModelLatency", "OverheadLatency"])
def test_as_many_rules_as_are_allowed_fit_the_limits_of_cloudwatch_and_sagemaker(metric):
    above = "250ms" if metric.endswith("Latency") else "1%"
    rules = [rule(metric=metric, above=above) for _ in range(limits.ROLLBACK_RULES_MAX)]
    specs = alarms_of(*rules, endpoint_name=LONGEST_ENDPOINT_NAME)
    assert len(specs) == limits.ROLLBACK_ALARMS_MAX
    shape = (
        ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")
        .operation_model("PutMetricAlarm")
        .input_shape
    )
    for spec in specs:
        report = ParamValidator().validate(spec.properties, shape)
        assert not report.has_errors(), report.generate_report()
        assert len(spec.name) <= 255
        assert len(spec.description) <= 1024
        assert spec.logical_id.isalnum()
