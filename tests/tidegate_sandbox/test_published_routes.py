"""Both routes, walked in an account: published, launched, published anew, deprecated, taken back."""

import itertools

import boto3
import botocore.loaders
import botocore.session
import pytest
import yaml
from botocore.exceptions import ClientError
from publishing import TEMPLATE

from service_catalog.publishing import plan as planning
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.plan import Request
from service_catalog.publishing.publish import publish
from service_catalog.publishing.published import ROUTES, read
from service_catalog.publishing.release import Release
from service_catalog.publishing.studio import LOCATION_TAG
from service_catalog.publishing.unpublish import unpublish
from service_catalog.publishing.versions import newest_name

BOTH = Request(routes=ROUTES)
FIRST, SECOND = "0.1.0-11111111", "0.1.0-22222222"
_accounts = itertools.count(600000000000)
_MODELS = botocore.loaders.Loader()
"""Of the services, read once for all accounts."""


class Office:
    """A platform engineer's desk in an account of its own; `checkout` is the version that is checked out."""

    def __init__(self, sandbox):
        account = str(next(_accounts))
        session = botocore.session.Session()
        session.register_component("data_loader", _MODELS)
        session.set_credentials(account, "local")
        keys = boto3.Session(botocore_session=session, region_name=sandbox.region)
        self.account = Account(keys, account, sandbox.region)
        self.bucket, self.stack = AdminBucket(self.account), AdminStack(self.account)
        self.sagemaker, self.catalog = self.account.client("sagemaker"), self.account.client("servicecatalog")
        self.checkout = FIRST

    def prepare(self, bucket, known):
        """What `release.prepare` does, for a project that is quick to launch."""
        outputs = TEMPLATE["Outputs"] | ({"Checkout": {"Value": SECOND}} if self.checkout == SECOND else {})
        template = yaml.safe_dump(TEMPLATE | {"Outputs": outputs})
        templates = dict.fromkeys(("codecommit", "connection"), template)
        return Release(newest_name(known, self.checkout), f"seeds/{self.checkout}.zip", b"seeds", templates)

    def publish(self, request=BOTH, checkout=None):
        self.checkout = checkout or self.checkout
        publish(self.account, request, dry_run=False)

    @property
    def domain(self):
        return self.sagemaker.list_domains()["Domains"][0]

    @property
    def execution_role(self):
        return self.sagemaker.describe_domain(DomainId=self.domain["DomainId"])["DefaultUserSettings"]["ExecutionRole"]

    def domain_tags(self):
        tags = self.sagemaker.list_tags(ResourceArn=self.domain["DomainArn"])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def versions(self, git="codecommit"):
        product = read(self.bucket, self.stack).product_ids[git]
        listed = self.catalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
        return product, {each["Name"]: each for each in listed}

    def shown(self):
        return [each.key for each in self.bucket.templates() if self.bucket.is_visible(each.key)]

    def address(self, version, git="codecommit"):
        host = f"{self.bucket.name}.s3.{self.account.region}.amazonaws.com"
        return f"https://{host}/templates/tidegate-{git}-{version}.yaml"


@pytest.fixture
def office(sandbox, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
    made = Office(sandbox)
    monkeypatch.setattr(planning, "prepare", made.prepare)
    return made


@pytest.fixture
def settled(office, eventually):
    def wait(name):
        def project():
            described = office.sagemaker.describe_project(ProjectName=name)
            return None if described["ProjectStatus"].endswith("InProgress") else described

        return eventually(project)

    return wait


def from_s3(url, role):
    return [{"CfnTemplateProvider": {"TemplateName": "tidegate", "TemplateURL": url, "RoleARN": role}}]


def test_given_both_routes_then_one_source_is_in_two_galleries_and_a_second_run_changes_nothing(office, capsys):
    request = Request(ROUTES, principals=(office.execution_role,), domains=(office.domain["DomainId"],))
    office.publish(request)
    said = capsys.readouterr().out
    for git in ("codecommit", "connection"):
        product, versions = office.versions(git)
        assert list(versions) == [FIRST]
        assert f"version {FIRST} ({product})" in said
        assert f"tidegate-{git}-{FIRST}.yaml (the newest)" in said
    assert office.shown() == [f"templates/tidegate-{git}-{FIRST}.yaml" for git in ("codecommit", "connection")]
    assert office.bucket.lets_studio_in()
    assert office.domain_tags()[LOCATION_TAG] == f"s3://{office.bucket.name}/templates/"
    attached = office.account.client("iam").list_attached_role_policies(
        RoleName=office.execution_role.rpartition("/")[2]
    )
    assert [each["PolicyName"] for each in attached["AttachedPolicies"]] == ["tidegate-launchers-eu-west-1"]

    s3, name = office.account.client("s3"), {"Bucket": office.bucket.name}
    s3.delete_public_access_block(**name)
    office.publish(Request())
    assert f"Version {FIRST} is published in account {office.account.id}" in capsys.readouterr().out
    assert all(s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"].values())
    assert planning.plan(office.account, request).steps == ()


def test_given_a_newer_checkout_then_it_is_a_version_of_the_same_product_and_the_older_one_stays_as_it_was(
    office, capsys
):
    office.publish()
    product, before = office.versions()
    capsys.readouterr()
    office.publish(checkout=SECOND)
    said = capsys.readouterr().out
    again, after = office.versions()
    assert again == product
    assert list(after) == [FIRST, SECOND]
    assert after[FIRST] == before[FIRST]
    assert "~ CodecommitProduct (AWS::ServiceCatalog::CloudFormationProduct)" in said
    assert f"Name: {SECOND}" in said
    assert f"still to be launched by their number: {FIRST}" in said
    assert len(office.shown()) == 4

    office.publish(checkout=FIRST)
    assert list(office.versions()[1]) == [FIRST, SECOND, f"{FIRST}.2"]


def test_given_a_deprecated_version_then_nobody_launches_it_until_it_is_restored(office, capsys):
    office.publish()
    office.publish(checkout=SECOND)
    office.publish(Request(deprecate=("older",)))
    assert f"deprecated: {FIRST}" in capsys.readouterr().out
    product, versions = office.versions()
    assert [each["Guidance"] for each in versions.values()] == ["DEPRECATED", "DEFAULT"]
    assert all(SECOND in key for key in office.shown())
    old = {"ProductId": product, "ProvisioningArtifactId": versions[FIRST]["Id"]}
    with pytest.raises(ClientError, match="is deprecated"):
        office.sagemaker.create_project(ProjectName="old", ServiceCatalogProvisioningDetails=old)

    office.publish(Request())
    assert office.versions()[1][FIRST]["Guidance"] == "DEPRECATED"
    office.publish(Request(restore=(FIRST,)))
    assert office.versions()[1][FIRST]["Guidance"] == "DEFAULT"
    assert len(office.shown()) == 4


def test_given_what_cannot_be_then_a_sentence_says_so_and_nothing_is_changed(office):
    office.publish()
    foreign = "arn:aws:iam::999999999999:role/elsewhere"
    for request, sentence in (
        (Request(deprecate=(FIRST,)), f"Version {FIRST} is the newest"),
        (Request(deprecate=("9.9",)), f"There is no version 9.9; there are {FIRST}."),
        (Request(domains=("d-none",)), "There is no Studio domain d-none"),
        (Request(principals=(foreign,)), f"{foreign} is not of account {office.account.id}"),
    ):
        with pytest.raises(PublishError, match=sentence):
            office.publish(request)
    office.sagemaker.add_tags(
        ResourceArn=office.domain["DomainArn"], Tags=[{"Key": LOCATION_TAG, "Value": "s3://theirs/"}]
    )
    with pytest.raises(PublishError, match="shows the templates at s3://theirs/ already"):
        office.publish(Request(domains=(office.domain["DomainId"],)))
    unpublish(office.account)
    assert office.domain_tags()[LOCATION_TAG] == "s3://theirs/"


def test_given_a_dry_run_then_it_tells_what_would_change_in_the_stack_and_changes_nothing(office, capsys):
    office.publish(Request(("service-catalog",)))
    office.checkout = SECOND
    capsys.readouterr()
    publish(office.account, Request(("s3",), domains=(office.domain["DomainId"],)), dry_run=True)
    said = capsys.readouterr().out
    for line in (
        "~ CodecommitProduct (AWS::ServiceCatalog::CloudFormationProduct)",
        "+ S3LaunchRole (AWS::IAM::Role)",
        f"+ s3://{office.bucket.name}/templates/tidegate-codecommit-{SECOND}.yaml",
        f"in what is launched, compared with {FIRST}:",
        "      + Checkout (output)",
        f"+ CORS of {office.bucket.name}",
        f"+ tag of Studio domain {office.domain['DomainId']}",
    ):
        assert line in said
    assert list(office.versions()[1]) == [FIRST]
    assert read(office.bucket, office.stack).routes == ("service-catalog",)
    assert not office.bucket.lets_studio_in()
    assert LOCATION_TAG not in office.domain_tags()


def test_given_projects_of_both_routes_then_nothing_is_taken_back_until_they_are_gone(office, settled, capsys):
    office.publish(Request(ROUTES, domains=(office.domain["DomainId"],)))
    role = read(office.bucket, office.stack).outputs["S3LaunchRoleArn"]
    office.sagemaker.create_project(ProjectName="by-s3", TemplateProviders=from_s3(office.address(FIRST), role))
    details = {"ProductId": office.versions("connection")[0]}
    office.sagemaker.create_project(ProjectName="by-catalogue", ServiceCatalogProvisioningDetails=details)
    for name in ("by-s3", "by-catalogue"):
        assert settled(name)["ProjectStatus"] == "CreateCompleted"
    with pytest.raises(PublishError, match=r"(?s)still lives \(2\).*by-catalogue-p-.*by-s3-p-.*\(CreateCompleted\)"):
        unpublish(office.account)
    with pytest.raises(PublishError, match=r"still lives \(1\)"):
        unpublish(office.account, ("s3",))

    office.sagemaker.delete_project(ProjectName="by-s3")
    assert settled("by-s3")["ProjectStatus"] == "DeleteCompleted"
    unpublish(office.account, ("s3",))
    assert read(office.bucket, office.stack).routes == ("service-catalog",)
    assert (office.shown(), office.bucket.lets_studio_in()) == ([], False)
    assert LOCATION_TAG not in office.domain_tags()

    office.sagemaker.delete_project(ProjectName="by-catalogue")
    assert settled("by-catalogue")["ProjectStatus"] == "DeleteCompleted"
    unpublish(office.account)
    assert not office.bucket.exists()
    assert office.stack.status() is None
    capsys.readouterr()
    unpublish(office.account)
    assert "Nothing of that is published" in capsys.readouterr().out


def test_given_the_catalogue_is_taken_back_then_the_s3_route_stays(office):
    office.publish()
    unpublish(office.account, ("service-catalog",))
    published = read(office.bucket, office.stack)
    assert (published.routes, published.product_ids) == (("s3",), {})
    assert len(office.shown()) == 2
    office.publish(Request(), checkout=SECOND)
    assert len(office.shown()) == 4
    unpublish(office.account)
    assert office.stack.status() is None
