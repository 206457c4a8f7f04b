"""What starts when something happens at a git host: pipelines by their triggers, builds by their webhooks."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox import git_host
from tidegate_sandbox.services.connections import hosts

PROVIDER = "CodeStarSourceConnection"
ROLE = "arn:aws:iam::111122223333:role/any"
ENVIRONMENT = {"type": "LINUX_CONTAINER", "image": "any", "computeType": "BUILD_GENERAL1_SMALL"}


class Pipeline:
    """A pipeline whose source is the hosted repository; its second stage waits for nobody in these tests."""

    def __init__(self, hosted: Any, *, triggers: list[dict[str, Any]] | None = None, detect: str = "false") -> None:
        self.hosted, self.name = hosted, f"p-{uuid.uuid4().hex[:8]}"
        self.client = hosted.sandbox.client("codepipeline")
        region = hosted.sandbox.region
        hosted.sandbox.client("s3").create_bucket(
            Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": region}
        )
        source = {
            "name": "Source",
            "actionTypeId": {
                "category": "Source",
                "owner": "AWS",
                "provider": PROVIDER,
                "version": "1",
            },
            "configuration": {
                "ConnectionArn": hosted.arn,
                "FullRepositoryId": hosted.name,
                "BranchName": "main",
                "DetectChanges": detect,
            },
            "outputArtifacts": [{"name": "Source"}],
            "namespace": "Source",
        }
        approve = {
            "name": "Approve",
            "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
            "configuration": {"CustomData": "#{Source.ProviderType} #{Source.CommitId}"},
        }
        self.client.create_pipeline(
            pipeline={
                "name": self.name,
                "roleArn": ROLE,
                "pipelineType": "V2",
                "artifactStore": {"type": "S3", "location": self.name},
                "stages": [{"name": "Source", "actions": [source]}, {"name": "Ask", "actions": [approve]}],
                "triggers": [
                    {
                        "providerType": PROVIDER,
                        "gitConfiguration": {"sourceActionName": "Source"} | one,
                    }
                    for one in triggers or []
                ],
            }
        )

    def started_by_the_host(self) -> list[dict[str, Any]]:
        found = self.client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"]
        return [each for each in found if each["trigger"]["triggerType"] == "WebhookV2"]

    def commits(self) -> set[str]:
        """Return the commits that executions which the host started took."""
        return {
            revision["revisionId"]
            for each in self.started_by_the_host()
            for revision in each.get("sourceRevisions", [])
        }


CHOICES = ("includes", "excludes")
ON_MAIN = {"push": [{"branches": {"includes": ["main"]}}]}


def test_given_a_trigger_on_main_then_a_push_there_starts_the_pipeline_and_one_elsewhere_does_not(
    hosted: Any,
) -> None:
    hosted.push()
    pipeline = Pipeline(hosted, triggers=[ON_MAIN])
    hosted.push("feature", "elsewhere")
    commit = hosted.push("main", "here")
    hosted.eventually(lambda: pipeline.commits() == {commit})
    assert len(pipeline.started_by_the_host()) == 1


def test_given_no_trigger_then_the_source_tells_whether_pushes_to_its_branch_start_it(hosted: Any) -> None:
    hosted.push()
    deaf, listening = Pipeline(hosted), Pipeline(hosted, detect="true")
    commit = hosted.push("main", "again")
    hosted.eventually(lambda: listening.commits() == {commit})
    assert deaf.started_by_the_host() == []


def test_given_a_trigger_on_pull_requests_then_their_commits_are_taken(hosted: Any) -> None:
    hosted.push()
    commit = hosted.push("feature", "asked")
    events = {"pullRequest": [{"events": ["OPEN"], "branches": {"includes": ["main"]}}]}
    pipeline = Pipeline(hosted, triggers=[events])
    git_host.open_pull_request(hosted.sandbox.url, "GitHub", hosted.name, "feature")
    hosted.eventually(lambda: pipeline.commits() == {commit})


def test_given_a_trigger_on_another_branch_then_the_source_tells_where_the_change_was_made(hosted: Any) -> None:
    hosted.push()
    pipeline = Pipeline(hosted, triggers=[{"push": [{"branches": {"includes": ["feature"]}}]}])
    commit = hosted.push("feature", "elsewhere")
    hosted.eventually(lambda: pipeline.commits() == {commit})
    [started] = pipeline.started_by_the_host()
    told = pipeline.client.list_action_executions(
        pipelineName=pipeline.name, filter={"pipelineExecutionId": started["pipelineExecutionId"]}
    )["actionExecutionDetails"]
    [source] = [one for one in told if one["stageName"] == "Source"]
    assert source["output"]["outputVariables"]["BranchName"] == "feature"


def test_given_a_trigger_on_paths_then_only_commits_that_change_one_start_the_pipeline(hosted: Any) -> None:
    hosted.push()
    words, others = ({"branches": {"includes": ["main"]}, "filePaths": {which: ["*.txt"]}} for which in CHOICES)
    on_words, on_others = (Pipeline(hosted, triggers=[{"push": [push]}]) for push in (words, others))
    commit = hosted.push("main", "a word")
    (hosted.folder / "checkout" / "code.py").touch()
    hosted.git("add", "-A")
    hosted.git("commit", "-q", "-m", "code")
    hosted.git("push", "-q", "origin", "HEAD:refs/heads/main")
    code = hosted.git("rev-parse", "HEAD")

    hosted.eventually(lambda: (on_words.commits(), on_others.commits()) == ({commit}, {code}))


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"sourceActionName": "Other", **ON_MAIN}, "no source action of a connection"),
        (
            {"push": [{"tags": {"includes": ["v*"]}, "filePaths": {"includes": ["x"]}}]},
            "or else branches and filePaths",
        ),
        ({}, "a push or a pullRequest filter"),
    ],
)
def test_a_trigger_that_would_be_ignored_is_refused(hosted: Any, trigger: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        Pipeline(hosted, triggers=[trigger])


class Project:
    """A CodeBuild project on the hosted repository."""

    def __init__(self, hosted: Any, *commands: str, **source: Any) -> None:
        self.hosted, self.name = hosted, f"check-{uuid.uuid4().hex[:8]}"
        self.client = hosted.sandbox.client("codebuild")
        buildspec = {"version": "0.2", "phases": {"build": {"commands": list(commands)}}}
        given = {
            "type": "GITHUB",
            "location": f"https://github.com/{hosted.name}.git",
            "auth": {"type": "CODECONNECTIONS", "resource": hosted.arn},
            "buildspec": json.dumps(buildspec),
        }
        self.client.create_project(
            name=self.name,
            source=given | source,
            artifacts={"type": "NO_ARTIFACTS"},
            environment=ENVIRONMENT,
            serviceRole=ROLE,
        )

    def listen(self, *filters: tuple[str, str]) -> None:
        group = [{"type": kind, "pattern": pattern} for kind, pattern in filters]
        self.client.create_webhook(projectName=self.name, filterGroups=[group])

    def checks(self, commit: str) -> dict[str, str]:
        """Return the state of each check on `commit` that this project reported."""
        found = self.hosted.show()["checks"].get(commit, [])
        return {each["name"]: each["state"] for each in found if self.name in each["name"]}

    def builds(self) -> list[dict[str, Any]]:
        ids = self.client.list_builds_for_project(projectName=self.name)["ids"]
        return list(self.client.batch_get_builds(ids=ids)["builds"]) if ids else []


REQUESTS = ("EVENT", "PULL_REQUEST_CREATED,PULL_REQUEST_UPDATED")


def test_a_build_clones_the_repository_through_the_connection(hosted: Any) -> None:
    commit = hosted.push()
    project = Project(hosted, "grep hello word.txt", "git remote get-url origin | grep github.com")
    build = project.client.start_build(projectName=project.name, sourceVersion="refs/heads/main")["build"]
    hosted.eventually(lambda: project.builds()[0]["buildComplete"])
    (done,) = project.builds()
    assert (done["id"], done["buildStatus"], done["resolvedSourceVersion"]) == (build["id"], "SUCCEEDED", commit)


def test_a_pull_request_is_built_at_its_own_commit_and_the_host_shows_how_that_went(hosted: Any) -> None:
    hosted.push()
    project = Project(hosted, 'grep "$CODEBUILD_WEBHOOK_HEAD_REF" word.txt', 'test "$CODEBUILD_SOURCE_VERSION" = pr/1')
    project.listen(REQUESTS, ("BASE_REF", "^refs/heads/main$"))
    good = hosted.push("feature", "refs/heads/feature")
    git_host.open_pull_request(hosted.sandbox.url, "GitHub", hosted.name, "feature")
    hosted.eventually(lambda: set(project.checks(good).values()) == {"success"}, 60)
    bad = hosted.push("feature", "broken")
    hosted.eventually(lambda: set(project.checks(bad).values()) == {"failure"}, 60)
    assert len(project.builds()) == 2


def test_a_push_that_is_told_of_after_its_pull_request_was_opened_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(hosts, "_tell", told.append)
    repository = hosts.HostedRepository("acme/late", tmp_path / "late.git", "GitHub")
    repository.make()
    hosts._begin(repository)
    first = repository.branches()["main"]
    repository.git("update-ref", "refs/heads/feature", first)
    pull = hosts.open_pull_request(repository, "feature", "main")
    hosts.pushed(repository, [(hosts.NO_COMMIT, first, "refs/heads/feature")])
    assert [each.event for each in told if isinstance(each, hosts.PullRequestEvent)] == ["created"]

    tree = repository.git("rev-parse", f"{first}^{{tree}}").decode().strip()
    person = {f"GIT_{who}_{what}": "x@host.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    second = repository.git("commit-tree", tree, "-p", first, "-m", "more", env=person).decode().strip()
    hosts.pushed(repository, [(first, second, "refs/heads/feature")])
    assert [each.event for each in told if isinstance(each, hosts.PullRequestEvent)] == ["created", "updated"]
    assert pull.commit == second


def test_a_pull_request_into_another_branch_and_a_push_start_nothing(hosted: Any) -> None:
    hosted.push()
    hosted.push("other", "other")
    hosted.push("feature", "feature")
    project, last = Project(hosted, "true"), Project(hosted, "true")
    project.listen(REQUESTS, ("BASE_REF", "^refs/heads/main$"))
    last.listen(("EVENT", "PUSH"), ("HEAD_REF", "^refs/heads/main$"))
    git_host.open_pull_request(hosted.sandbox.url, "GitHub", hosted.name, "feature", "other")
    hosted.push("main", "pushed")
    hosted.eventually(last.builds)
    assert project.builds() == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"auth": {"type": "OAUTH"}}, "CODECONNECTIONS"),
        ({"type": "CODECOMMIT", "reportBuildStatus": True}, "cannot be reported"),
    ],
)
def test_a_source_that_would_be_treated_otherwise_is_refused(hosted: Any, source: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        Project(hosted, "true", **source)


def test_a_webhook_through_a_connection_to_another_host_is_refused(hosted: Any) -> None:
    project = Project(hosted, "true", type="BITBUCKET")
    with pytest.raises(ClientError, match="is to GitHub"):
        project.listen(REQUESTS)
