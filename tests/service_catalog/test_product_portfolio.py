"""What publishing creates: a product that Studio shows, launched as a role of its own."""

from typing import Any

from service_catalog.publishing.synth import synthesise_portfolio, to_json

Template = dict[str, Any]


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def test_then_studio_shows_the_product_with_the_published_template(portfolio: Template, published: Any) -> None:
    product = properties(portfolio, "Product")
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in product["Tags"]
    (version,) = product["ProvisioningArtifactParameters"]
    assert version == {"Name": published.version, "Info": {"LoadTemplateFromURL": published.template_url}}


def test_then_it_is_launched_as_its_own_role_once_it_is_in_the_portfolio(portfolio: Template) -> None:
    constraint = properties(portfolio, "LaunchConstraint")
    assert constraint["RoleArn"] == {"Fn::GetAtt": ["LaunchRole", "Arn"]}
    assert portfolio["Resources"]["LaunchConstraint"]["DependsOn"] == ["PortfolioProduct"]
    (trust,) = properties(portfolio, "LaunchRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "servicecatalog.amazonaws.com"}


def test_given_a_principal_twice_then_it_is_associated_once(published: Any) -> None:
    template = synthesise_portfolio(published.template_url, "1", [published.principal] * 2)
    found = [each for each in template["Resources"].values() if each["Type"].endswith("PrincipalAssociation")]
    assert [each["Properties"]["PrincipalARN"] for each in found] == [published.principal]


def test_then_the_template_fits_in_a_request_body(portfolio: Template) -> None:
    assert len(to_json(portfolio).encode()) <= 51_200
