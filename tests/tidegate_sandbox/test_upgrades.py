"""Upgrading the infrastructure of projects, launched by either route from versions that were really published."""

import json
import subprocess
import uuid
from dataclasses import dataclass

import pytest
import yaml
from botocore.exceptions import ClientError
from publishing import ASSOCIATION, TEMPLATE
from test_published_routes import FIRST, SECOND, Office

from service_catalog.publishing import plan as planning
from service_catalog.publishing.account import PublishError
from service_catalog.publishing.published import read
from service_catalog.publishing.release import Release
from service_catalog.publishing.versions import newest_name
from service_catalog.upgrade import preview as previewing
from service_catalog.upgrade import upgrade as upgrading
from service_catalog.upgrade.upgrade import Request, upgrade
from tidegate.clock import SystemClock

HARSH = "0.1.0-33333333"
NAME = {"Fn::Sub": "${SageMakerProjectName}-${SageMakerProjectId}-modeldeploy"}
TOPIC = {"TopicName": {"Ref": "SageMakerProjectId"}}
REPOSITORY = {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": NAME}}


def bucket(purpose):
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": f"${{SageMakerProjectId}}-{purpose}"}}}


DATA = bucket("data")
BUNDLES = {version: f"seeds/{version[-8:] * 4}.zip" for version in (FIRST, SECOND, HARSH)}


def made_of(version, topic=None, parameters=(), **resources):
    """Return the template of a version of a project that is quick to launch."""
    topics = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {**TOPIC, **(topic or {})}}}
    asked = {"Colour": {"Type": "String", "Default": "red"}}
    return TEMPLATE | {
        "Metadata": {"Seeds": BUNDLES[version]},
        "Parameters": {**TEMPLATE["Parameters"], **asked, **dict(parameters)},
        "Resources": {**topics, "DeployRepository": REPOSITORY, "Data": DATA, **resources},
    }


QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
NEVER = {"Type": ASSOCIATION, "Properties": {"PortfolioId": "none", "ProductId": "none"}}
VERSIONS = {
    FIRST: made_of(FIRST),
    SECOND: made_of(SECOND, {"DisplayName": {"Ref": "Colour"}}, Queue=QUEUE),
    # Asks for more, would lose something, and cannot be made.
    HARSH: made_of(HARSH, parameters={"Shade": {"Type": "String"}}, Data=bucket("elsewhere"), Never=NEVER),
}


class Platform(Office):
    """An office that has published three versions."""

    def __init__(self, sandbox, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
        super().__init__(sandbox)
        monkeypatch.setattr(planning, "prepare", self.prepare)
        monkeypatch.setattr(previewing, "POLL_SECONDS", 0.1)
        monkeypatch.setattr(upgrading, "POLL_SECONDS", 0.1)
        for version in VERSIONS:
            self.publish(checkout=version)

    def prepare(self, bucket, known):
        """What `release.prepare` does, for these versions."""
        templates = dict.fromkeys(("codecommit", "connection"), yaml.safe_dump(VERSIONS[self.checkout]))
        return Release(newest_name(known, self.checkout), BUNDLES[self.checkout], b"seeds", templates)

    def launch(self, route, eventually, **answers):
        """Return a project that was launched from the first version."""
        name = f"churn-{uuid.uuid4().hex[:6]}"
        given = [{"Key": key, "Value": value} for key, value in answers.items()]
        if route == "s3":
            role = read(self.bucket, self.stack).outputs["S3LaunchRoleArn"]
            provider = {"TemplateName": "t", "TemplateURL": self.address(FIRST), "RoleARN": role, "Parameters": given}
            details = {"TemplateProviders": [{"CfnTemplateProvider": provider}]}
        else:
            product, versions = self.versions()
            artefact = {"ProductId": product, "ProvisioningArtifactId": versions[FIRST]["Id"]}
            details = {"ServiceCatalogProvisioningDetails": {**artefact, "ProvisioningParameters": given}}
        made = self.sagemaker.create_project(ProjectName=name, **details)
        launched = Launched(self, name, made["ProjectId"])
        eventually(lambda: launched.described()["ProjectStatus"] == "CreateCompleted")
        return launched


@dataclass(frozen=True)
class Launched:
    """A project that was launched."""

    platform: Platform
    name: str
    id: str

    def described(self):
        return self.platform.sagemaker.describe_project(ProjectName=self.name)

    def upgrade(self, version, **options):
        return upgrade(self.platform.account, Request(self.name, version, **options), SystemClock())

    @property
    def stack(self):
        launched = self.described().get("ServiceCatalogProvisionedProductDetails", {}).get("ProvisionedProductId")
        return f"SC-{self.platform.account.id}-{launched}" if launched else f"SP-{self.id}"

    @property
    def cloudformation(self):
        return self.platform.account.client("cloudformation")

    def resources(self):
        listed = self.cloudformation.describe_stack_resources(StackName=self.stack)["StackResources"]
        return {each["LogicalResourceId"] for each in listed}

    def topic(self):
        account = self.platform.account
        topic = f"arn:aws:sns:{account.region}:{account.id}:{self.id}"
        return account.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"]

    @property
    def repository(self):
        return f"{self.name}-{self.id}-modeldeploy"

    def push_record(self, folder, key):
        """Give the deploy repository the record of that bundle."""
        identity = ("-c", "user.name=Owner", "-c", "user.email=owner@example.com")

        def git(*arguments):
            subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

        found = self.platform.account.client("codecommit").get_repository(repositoryName=self.repository)
        folder.mkdir()
        git("clone", "--quiet", found["repositoryMetadata"]["cloneUrlHttp"], ".")
        git("checkout", "--quiet", "-B", "main")
        (folder / ".tidegate.json").write_text(json.dumps({"bundle": {"key": key}}))
        git("add", "--all")
        git("commit", "--quiet", "--message", "Upgrade")
        git("push", "--quiet", "origin", "main")


@pytest.fixture(scope="module")
def platform(sandbox):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Platform(sandbox, monkeypatch)


@pytest.mark.parametrize("route", ["service-catalog", "s3"])
def test_given_a_newer_version_then_it_is_told_resource_by_resource_and_then_done(platform, eventually, capsys, route):
    project = platform.launch(route, eventually, Colour="blue")

    assert project.upgrade(SECOND)
    said = capsys.readouterr().out
    assert f"version {FIRST} → {SECOND}" in said
    assert "by CloudFormation's change set" in said
    assert "+ Queue (AWS::SQS::Queue)" in said
    assert "~ Topic (AWS::SNS::Topic)\n    DisplayName\n" in said
    assert "DeployRepository (AWS" not in said
    assert "Nothing has been changed" in said
    assert project.resources() == {"Topic", "DeployRepository", "Data"}
    assert not project.cloudformation.list_change_sets(StackName=project.stack)["Summaries"]

    assert project.upgrade(SECOND, answers={"Colour": "dark red"}, losing=("Data",), before_code=True)
    command = (
        f"scripts/upgrade {project.name} --to {SECOND} --apply --parameter 'Colour=dark red' --lose Data --before-code"
    )
    assert f"To do it: {command}\n" in capsys.readouterr().out

    assert project.upgrade(SECOND, apply=True, before_code=True)
    said = capsys.readouterr().out
    assert f"UpdateCompleted: {project.name} is of version {SECOND}." in said
    assert project.resources() == {"Topic", "DeployRepository", "Data", "Queue"}
    assert project.topic() == "blue"  # what the launch answered stays

    assert project.upgrade(SECOND, apply=True)
    assert f"is of version {SECOND}: there is nothing to upgrade." in capsys.readouterr().out
    assert project.upgrade(FIRST, apply=True, before_code=True)
    assert project.resources() == {"Topic", "DeployRepository", "Data"}


def test_given_a_change_set_is_refused_then_the_templates_are_compared(platform, eventually, capsys, monkeypatch):
    project = platform.launch("service-catalog", eventually)

    def refused(*_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "CreateChangeSet")

    monkeypatch.setattr(previewing, "_change_set", refused)
    assert project.upgrade(SECOND)
    said = capsys.readouterr().out
    assert "by the templates of both versions, compared, since a change set was refused" in said
    assert "+ Queue (AWS::SQS::Queue)" in said
    assert "~ Topic (AWS::SNS::Topic), perhaps replaced" in said
    assert "DisplayName" in said
    assert "DeployRepository (AWS" not in said


def test_given_a_harsh_version_then_each_consequence_has_to_be_allowed_and_a_failure_is_taken_back(
    platform, eventually, capsys
):
    project = platform.launch("service-catalog", eventually)
    with pytest.raises(PublishError, match="asks for Shade: give each with --parameter NAME=VALUE"):
        project.upgrade(HARSH, apply=True)
    with pytest.raises(PublishError, match="has no launch parameter Flavour"):
        project.upgrade(HARSH, answers={"Flavour": "x"})
    shade = {"Shade": "dark"}
    with pytest.raises(PublishError, match="Nothing has been changed"):
        project.upgrade(None, apply=True, before_code=True, answers=shade)
    said = capsys.readouterr().out
    assert "~ Data (AWS::S3::Bucket), perhaps replaced: may lose what is in it" in said
    assert "! Data could lose what is in it: allow it with --lose Data." in said

    assert not project.upgrade(HARSH, apply=True, before_code=True, answers=shade, losing=("Data",))
    said = capsys.readouterr().out
    assert f"UpdateFailed: Never ({ASSOCIATION}): Product none not found" in said
    assert f"the project is as it was, of version {FIRST}" in said
    assert project.upgrade(HARSH, answers=shade)
    assert f"version {FIRST} → {HARSH}" in capsys.readouterr().out
    assert project.resources() == {"Topic", "DeployRepository", "Data"}


def test_given_the_deploy_repository_is_of_another_version_then_the_code_comes_first(
    platform, eventually, capsys, tmp_path
):
    project = platform.launch("service-catalog", eventually)
    missing = f"{project.repository} is of another version: run .venv/bin/python scripts/upgrade.py"
    project.push_record(tmp_path / "first", BUNDLES[FIRST])
    with pytest.raises(PublishError, match="Nothing has been changed"):
        project.upgrade(SECOND, apply=True)
    assert missing in capsys.readouterr().out

    project.push_record(tmp_path / "second", BUNDLES[SECOND])
    assert project.upgrade(SECOND, apply=True)
    assert missing not in capsys.readouterr().out


def test_given_what_is_not_there_then_a_sentence_says_so(platform, eventually):
    project = platform.launch("service-catalog", eventually)
    with pytest.raises(PublishError, match="There is no project none-such in account"):
        upgrade(platform.account, Request("none-such"), SystemClock())
    with pytest.raises(PublishError, match=rf"There is no version 9\.9 for {project.name}; there are {FIRST}, "):
        project.upgrade("9.9")
