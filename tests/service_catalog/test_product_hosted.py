"""What a launch creates around two repositories at GitHub, GitLab or Bitbucket, read off its template."""

import json
import re
from typing import Any

import pytest

from service_catalog.project.parameters import parameters

Template = dict[str, Any]

ARN = "arn:aws:codeconnections:eu-west-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef"


def pattern(name: str) -> str:
    (found,) = [each.pattern for each in parameters("connection") if each.name == name]
    return found


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def test_then_a_launch_is_asked_for_the_connection_and_two_repositories_and_codecommits_is_not(
    product: Template, hosted: Template
) -> None:
    asked = {"ConnectionArn", "BuildRepository", "DeployRepository"}
    assert set(hosted["Parameters"]) - set(product["Parameters"]) == asked
    assert all("Default" not in hosted["Parameters"][each] for each in asked)
    kinds = {each["Type"] for each in hosted["Resources"].values()}
    assert "AWS::CodeCommit::Repository" not in kinds
    rule = hosted["Rules"]["TwoRepositories"]
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "BuildRepository"}, {"Ref": "DeployRepository"}]}]
    }


def test_then_every_parameter_has_a_pattern_a_length_and_a_sentence_and_is_shown_with_a_label(either: Template) -> None:
    shown = either["Metadata"]["AWS::CloudFormation::Interface"]
    assert set(shown["ParameterLabels"]) == set(either["Parameters"])
    assert {name for group in shown["ParameterGroups"] for name in group["Parameters"]} == set(either["Parameters"])
    optional = set(either["Metadata"].get("SagemakerTemplateParameterRules", {}))
    for name, parameter in either["Parameters"].items():
        assert "AllowedPattern" in parameter or "AllowedValues" in parameter, name
        assert parameter["ConstraintDescription"].endswith("."), name
        assert ("Default" in parameter) == (name in optional), name


@pytest.mark.parametrize("arn", [ARN, ARN.replace("codeconnections", "codestar-connections")])
def test_given_a_connection_under_either_name_of_the_service_then_it_is_taken(arn: str) -> None:
    assert re.fullmatch(pattern("ConnectionArn"), arn)


@pytest.mark.parametrize("arn", ["", ARN + "\n", ARN + "/x", ARN.replace("connection/", "host/"), "{{7*7}}", "a" * 257])
def test_given_what_is_no_connection_then_it_is_refused(arn: str) -> None:
    assert not re.fullmatch(pattern("ConnectionArn"), arn)


@pytest.mark.parametrize("name", ["owner/name", "group/sub.group/name", "workspace/a_b.c-d", "1/2"])
def test_given_a_repositorys_full_name_then_it_is_taken(name: str) -> None:
    assert re.fullmatch(pattern("BuildRepository"), name)


@pytest.mark.parametrize(
    "name",
    [
        "", "name", "/name", "owner/", "owner//name", "../name", "owner/..", "owner/name.git", "https://h/o/n",
        "owner/na me", "owner/n\n", "owner/{{7*7}}", "owner/$(id)", "owner/n'", 'owner/n"', "owner/-n", "o@h/n",
    ],
)  # fmt: skip
def test_given_anything_else_for_a_repository_then_it_is_refused(name: str) -> None:
    assert not re.fullmatch(pattern("DeployRepository"), name)


@pytest.mark.parametrize("part", ["build", "deploy"])
def test_then_each_pipeline_takes_its_repository_through_the_connection_and_starts_on_a_push_to_main(
    hosted: Template, part: str
) -> None:
    pipeline = properties(hosted, f"Model{part.title()}")
    (source,) = pipeline["Stages"][0]["Actions"]
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"] == {
        "ConnectionArn": {"Ref": "ConnectionArn"},
        "FullRepositoryId": {"Ref": f"{part.title()}Repository"},
        "BranchName": "main",
        "DetectChanges": False,
    }
    (trigger,) = pipeline["Triggers"]
    assert trigger == {
        "ProviderType": "CodeStarSourceConnection",
        "GitConfiguration": {"SourceActionName": source["Name"], "Push": [{"Branches": {"Includes": ["main"]}}]},
    }


def test_then_a_launch_chooses_whether_a_push_releases(hosted_template: Template) -> None:
    condition, _, otherwise = properties(hosted_template, "ModelDeploy")["Triggers"]["Fn::If"]
    assert (condition, otherwise) == ("ReleasesOnPush", {"Ref": "AWS::NoValue"})


def test_then_no_rule_waits_for_a_push_that_is_no_event(hosted: Template) -> None:
    assert not [name for name in hosted["Resources"] if "PushRule" in name]
    assert "aws.codecommit" not in json.dumps(hosted)


def test_then_seeds_go_to_the_connections_own_git_address(hosted: Template) -> None:
    assert properties(hosted, "Seeds")["Repositories"] == {
        part: {"Fn::GetAtt": ["Connection", f"{part}Remote"]} for part in ("build", "deploy")
    }


def test_then_a_declined_version_is_looked_up_in_the_repository_as_the_host_knows_it(hosted: Template) -> None:
    assert properties(hosted, "DeclineProject")["Source"] == {
        "Type": {"Fn::GetAtt": ["Connection", "SourceType"]},
        "Location": {"Fn::GetAtt": ["Connection", "deployAddress"]},
        "Auth": {"Type": "CODECONNECTIONS", "Resource": {"Ref": "ConnectionArn"}},
        "GitCloneDepth": 1,
        "BuildSpec": "buildspec.decline.yml",
    }


def test_then_a_pull_request_into_main_starts_the_review_and_one_from_a_fork_waits_for_approval(
    hosted: Template,
) -> None:
    review = properties(hosted, "ReviewProject")
    assert review["Source"]["Type"] == {"Fn::GetAtt": ["Connection", "SourceType"]}
    assert review["Source"]["BuildSpec"] == "buildspec.review.yml"
    assert "GitCloneDepth" not in review["Source"], "a commit that is not the branch's last has to be there"
    assert review["Triggers"]["Webhook"] is True
    (group,) = review["Triggers"]["FilterGroups"]
    assert {each["Type"]: each["Pattern"] for each in group} == {
        "EVENT": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED",
        "BASE_REF": "^refs/heads/main$",
    }
    assert review["Triggers"]["PullRequestBuildPolicy"] == {"RequiresCommentApproval": "FORK_PULL_REQUESTS"}
    assert "ReviewRule" not in hosted["Resources"]
    assert "review" not in json.dumps(properties(hosted, "EventsRole"))
