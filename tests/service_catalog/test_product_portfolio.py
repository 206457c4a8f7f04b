"""What publishing creates: products that Studio shows, templates for its other gallery, and who may launch them."""

import dataclasses
from typing import Any

import pytest

from service_catalog.portfolio.offer import version
from service_catalog.project.parameters import GITS
from service_catalog.publishing.synth import synthesise_portfolio, to_json

Template = dict[str, Any]

PRODUCTS = pytest.mark.parametrize(("git", "product"), [(git, f"{git.title()}Product") for git in GITS])


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


@PRODUCTS
def test_then_studio_shows_a_product_for_each_git_with_its_published_template(
    portfolio: Template, published: Any, git: str, product: str
) -> None:
    shown = properties(portfolio, product)
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in shown["Tags"]
    (only,) = shown["ProvisioningArtifactParameters"]
    url = f"{published.templates}/tidegate-{git}.yaml"
    assert only == {"Name": published.version, "Info": {"LoadTemplateFromURL": url}}
    assert portfolio["Outputs"][f"{product}Id"] == {"Value": {"Ref": product}}


def test_then_each_product_has_a_name_of_its_own(portfolio: Template) -> None:
    names = [properties(portfolio, f"{git.title()}Product")["Name"] for git in GITS]
    assert len(set(names)) == len(names)


@PRODUCTS
def test_then_a_product_is_launched_as_a_role_of_its_own_once_it_is_in_the_portfolio(
    portfolio: Template, git: str, product: str
) -> None:
    constraint = properties(portfolio, f"{product}Launch")
    assert constraint["ProductId"] == {"Ref": product}
    assert constraint["RoleArn"] == {"Fn::GetAtt": ["LaunchRole", "Arn"]}
    assert portfolio["Resources"][f"{product}Launch"]["DependsOn"] == [f"{product}InPortfolio"]
    (trust,) = properties(portfolio, "LaunchRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "servicecatalog.amazonaws.com"}


def test_given_versions_that_were_published_before_then_they_stay_as_they_were(published: Any) -> None:
    before: Any = {"Name": "0.0.9", "Info": {"LoadTemplateFromURL": {"Fn::Sub": "https://${AWS::Region}/old"}}}
    now = version("0.1.0", "https://new")
    template = synthesise_portfolio(
        dataclasses.replace(published.offer(), versions={"codecommit": (before, now)}, bucket=None)
    )
    assert properties(template, "CodecommitProduct")["ProvisioningArtifactParameters"] == [before, now]
    assert not {"ConnectionProduct", "S3LaunchRole", "S3Launchers"} & set(template["Resources"])


def test_given_the_s3_route_alone_then_there_is_no_portfolio(published: Any) -> None:
    template = synthesise_portfolio(dataclasses.replace(published.offer(), versions={}))
    kinds = {each["Type"] for each in template["Resources"].values()}
    assert kinds == {"AWS::IAM::ManagedPolicy", "AWS::IAM::Role"}
    assert "LaunchRole" not in template["Resources"]


def test_then_cloudformation_alone_launches_what_comes_from_s3(portfolio: Template) -> None:
    (trust,) = properties(portfolio, "S3LaunchRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert "Policies" not in properties(portfolio, "S3LaunchRole")


def test_then_people_launch_from_s3_only_what_is_published_and_only_through_a_service(
    portfolio: Template, published: Any
) -> None:
    statements = properties(portfolio, "S3Launchers")["PolicyDocument"]["Statement"]
    (making,) = [each for each in statements if "cloudformation:CreateStack" in each["Action"]]
    assert making["Resource"]["Fn::Sub"].endswith(":stack/SP-*/*")
    assert making["Condition"]["Bool"] == {"aws:ViaAWSService": "true"}
    for address in making["Condition"]["StringLikeIfExists"]["cloudformation:TemplateUrl"]:
        assert address["Fn::Sub"].endswith("/templates/*")
        assert published.seed_bucket in address["Fn::Sub"]
    (passing,) = [each for each in statements if each["Action"] == ["iam:PassRole"]]
    assert "role/tidegate/tidegate-launch-s3-" in passing["Resource"]["Fn::Sub"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_then_owners_of_repositories_read_versions_and_bundles_and_it_is_given_to_nobody_by_itself(
    portfolio: Template, published: Any
) -> None:
    policy = properties(portfolio, "Owners")
    assert not {"Roles", "Users", "Groups"} & policy.keys()
    listing, reading = policy["PolicyDocument"]["Statement"]
    bucket = published.seed_bucket
    assert listing["Action"] == ["s3:ListBucket"]
    assert listing["Resource"]["Fn::Sub"].endswith(f":{bucket}")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "templates/*"}}
    assert reading["Action"] == ["s3:GetObject"]
    assert [each["Fn::Sub"].rpartition(":")[2] for each in reading["Resource"]] == [
        f"{bucket}/templates/*", f"{bucket}/seeds/*",
    ]  # fmt: skip
    assert portfolio["Outputs"]["OwnersPolicyArn"] == {"Value": {"Ref": "Owners"}}


def test_given_the_cdk_publishes_then_nobody_is_promised_versions_that_its_bucket_does_not_know(published: Any) -> None:
    template = synthesise_portfolio(dataclasses.replace(published.offer(), store=None))
    assert "Owners" not in template["Resources"]


def test_given_principals_then_each_is_given_both_galleries_once(published: Any) -> None:
    user, group = (f"arn:aws:iam::111111111111:{each}" for each in ("user/ada", "group/path/to/science"))
    template = synthesise_portfolio(published.offer(published.principal, user, group, published.principal))
    launchers = template["Resources"]["S3Launchers"]
    attached = {kind: launchers["Properties"][kind] for kind in ("Roles", "Users", "Groups")}
    assert attached == {"Roles": ["DataScientists"], "Users": ["ada"], "Groups": ["science"]}
    associated = [
        each["Properties"]["PrincipalARN"]
        for each in template["Resources"].values()
        if each["Type"].endswith("PrincipalAssociation")
    ]
    assert sorted(associated) == sorted({published.principal, user, group})
    assert launchers["Metadata"]["Principals"] == sorted({published.principal, user, group})


def test_then_the_template_fits_in_a_request_body(portfolio: Template) -> None:
    assert len(to_json(portfolio).encode()) <= 51_200
