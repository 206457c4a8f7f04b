"""A build that an event starts, as EventBridge hands it over: the target's input is what StartBuild takes."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::111122223333:role/any"


class Rule:
    """A rule of events of a source of its own, and the CodeBuild project that is its target."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any]) -> None:
        self.sandbox, self.eventually = sandbox, eventually
        self.name = f"rule-{uuid.uuid4().hex[:8]}"
        self.codebuild = sandbox.client("codebuild")
        spec = {"version": "0.2", "phases": {"build": {"commands": ['echo "stage is <$STAGE>, of $EXECUTION"']}}}
        self.codebuild.create_project(
            name=self.name,
            source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "any",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": "STAGE", "value": "none"}],
            },
            serviceRole=ROLE,
        )
        sandbox.client("events").put_rule(Name=self.name, EventPattern=json.dumps({"source": [f"test.{self.name}"]}))

    def aim(self, *targets: dict[str, Any]) -> None:
        arn = self.sandbox.arn("codebuild", f"project/{self.name}")
        given = [{"Id": str(number), "Arn": arn, "RoleArn": ROLE, **one} for number, one in enumerate(targets)]
        answer = self.sandbox.client("events").put_targets(Rule=self.name, Targets=given)
        assert answer["FailedEntryCount"] == 0

    def send(self, **detail: Any) -> None:
        entry = {"Source": f"test.{self.name}", "DetailType": "Test", "Detail": json.dumps(detail)}
        self.sandbox.client("events").put_events(Entries=[entry])

    def builds(self, count: int) -> list[dict[str, Any]]:
        def ended() -> Any:
            ids = self.codebuild.list_builds_for_project(projectName=self.name)["ids"]
            found = self.codebuild.batch_get_builds(ids=ids)["builds"] if len(ids) == count else []
            return found if found and all(one["buildComplete"] for one in found) else None

        return list(self.eventually(ended))

    def log(self, build: dict[str, Any]) -> str:
        where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        events = self.sandbox.client("logs").get_log_events(**where, startFromHead=True)["events"]
        return "\n".join(event["message"].rstrip() for event in events)


@pytest.fixture
def rule(sandbox: Any, eventually: Callable[..., Any]) -> Rule:
    return Rule(sandbox, eventually)


def override(**variables: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]


def test_a_constant_input_overrides_the_projects_variables(rule: Rule) -> None:
    rule.aim({"Input": json.dumps({"environmentVariablesOverride": override(STAGE="prod", EXECUTION="none")})})

    rule.send(stage="ProdTest")

    [build] = rule.builds(1)
    assert build["buildStatus"] == "SUCCEEDED"
    assert build["initiator"] == f"rule/{rule.name}"
    assert "stage is <prod>, of none" in rule.log(build)


def test_an_input_transformer_takes_values_from_the_event(rule: Rule) -> None:
    template = '{"environmentVariablesOverride": [{"name": "EXECUTION", "value": <execution>}]}'
    paths = {"execution": "$.detail.execution-id"}
    rule.aim({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})

    rule.send(**{"execution-id": "0123-4567"})

    [build] = rule.builds(1)
    assert "stage is <none>, of 0123-4567" in rule.log(build)


def test_a_target_without_input_starts_the_project_as_it_is(rule: Rule) -> None:
    rule.aim({})

    rule.send(stage="ProdTest")

    [build] = rule.builds(1)
    assert "stage is <none>, of" in rule.log(build)


def test_a_target_whose_input_startbuild_does_not_take_keeps_the_event_from_no_other(rule: Rule) -> None:
    rule.aim(
        {"Input": json.dumps({"noSuchParameter": 1})},
        {"Input": "no JSON"},
        {"InputPath": "$.detail"},
        {"Input": json.dumps({"environmentVariablesOverride": override(STAGE="prod")})},
    )

    rule.send()

    [build] = rule.builds(1)
    assert "stage is <prod>" in rule.log(build)
