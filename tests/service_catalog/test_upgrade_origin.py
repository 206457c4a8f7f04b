"""Where a project comes from, as far as SageMaker says it, and what moves when it is updated."""

from typing import Any

import pytest

from service_catalog.publishing.account import PublishError
from service_catalog.upgrade.project import Origin, Project, find_project
from service_catalog.upgrade.upgrade import moves
from tests.tidegate.answering import answering

BUCKET = "tidegate-111122223333-eu-west-1"
URL = f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/templates/tidegate-codecommit-0.1.0-12345678.yaml"


class Empty:
    """An account in which nothing is published, and one project failed before it had a stack."""

    id, region = "111122223333", "eu-west-1"

    def client(self, service: str) -> Any:
        project = {
            "ProjectArn": "arn:aws:sagemaker:eu-west-1:111122223333:project/churn",
            "ProjectName": "churn",
            "ProjectId": "p-abc123def456",
            "ProjectStatus": "CreateFailed",
            "CreationTime": 0,
            "TemplateProviderDetails": [
                {"CfnTemplateProviderDetail": {"TemplateName": "tidegate", "TemplateURL": URL}},
            ],
        }
        handlers = {
            "sagemaker": {"DescribeProject": lambda **_: project},
            "s3": {"ListObjectsV2": lambda **_: {}, "HeadBucket": lambda **_: {}},
            "cloudformation": {"DescribeStacks": lambda **_: {"Stacks": []}},
        }
        return answering(service, handlers[service])


def test_given_a_launch_from_s3_that_never_had_a_stack_then_a_sentence_says_what_to_do() -> None:
    with pytest.raises(PublishError, match="churn was never launched whole: delete it, and launch it anew"):
        find_project(Empty(), "churn")  # type: ignore[arg-type]


def test_given_a_stage_that_moves_to_another_account_then_what_people_have_to_do_is_said() -> None:
    now = {"StagingAccount": "", "ProductionAccount": "222222222222", "NotifyEmail": ""}
    project = Project("churn", "p-abc", "CreateCompleted", "SC-1", Origin("codecommit", "0.1.0"), now)
    assert moves(project, now) == []
    (told,) = moves(project, now | {"ProductionAccount": ""})
    assert told.startswith("The stage prod moves from account 222222222222 to the project's own account.")
    assert "Delete its stack sagemaker-p-abc-prod before this is applied" in told
