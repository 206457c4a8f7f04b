"""Studio's domains, as far as publishing and launching look at them: each account and region has one, from the start.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeDomain.html
"""

import hashlib
import json
from datetime import datetime
from threading import Lock
from typing import Any

from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import sagemaker
from tidegate_sandbox.services.studio import project_roles

NAME = "sandbox"
EXECUTION_ROLE = "AmazonSageMaker-ExecutionRole-sandbox"
"""Whom people act as in Studio; further policies are the tester's to give."""
# What AmazonSageMakerFullAccess, which a domain's role has on AWS, lets people do about projects.
LAUNCHING = (
    "sagemaker:CreateProject",
    "sagemaker:DeleteProject",
    "sagemaker:DescribeProject",
    "sagemaker:ListProjects",
    "servicecatalog:DescribeProduct",
    "servicecatalog:DescribeProvisioningParameters",
    "servicecatalog:DescribeRecord",
    "servicecatalog:ListLaunchPaths",
    "servicecatalog:ListProvisioningArtifacts",
    "servicecatalog:ProvisionProduct",
    "servicecatalog:SearchProducts",
    "servicecatalog:SearchProvisionedProducts",
    "servicecatalog:TerminateProvisionedProduct",
    "servicecatalog:UpdateProvisionedProduct",
)

_state: Scoped[dict[str, datetime]] = Scoped(dict)
_projects: Scoped[dict[str, str]] = Scoped(dict)
_founding = Lock()


@sagemaker.operation("GetSagemakerServicecatalogPortfolioStatus")
def projects_status(_parameters: dict[str, Any]) -> dict[str, Any]:
    """Say whether projects are enabled in Studio: they are, until somebody disables them."""
    return {"Status": _projects.here().get("Status", "Enabled")}


@sagemaker.operation("EnableSagemakerServicecatalogPortfolio")
def enable_projects(_parameters: dict[str, Any]) -> dict[str, Any]:
    """Enable projects in Studio, and make the roles for them that the console makes when it does."""
    project_roles.make()
    _projects.here()["Status"] = "Enabled"
    return {}


@sagemaker.operation("DisableSagemakerServicecatalogPortfolio")
def disable_projects(_parameters: dict[str, Any]) -> dict[str, Any]:
    """Disable projects in Studio; the API goes on launching them."""
    _projects.here()["Status"] = "Disabled"
    return {}


@sagemaker.operation("ListDomains")
def list_domains(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the one domain."""
    members = ("DomainArn", "DomainId", "DomainName", "Status", "CreationTime", "LastModifiedTime", "Url")
    domain = _domain()
    return page([{name: domain[name] for name in members}], parameters, "Domains")


@sagemaker.operation("DescribeDomain")
def describe_domain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe the one domain; ResourceNotFound for any other."""
    domain = _domain()
    if parameters["DomainId"] != domain["DomainId"]:
        raise AwsError("ResourceNotFound", f"Domain {parameters['DomainId']} not found.", 404)
    return domain


def _domain() -> dict[str, Any]:
    here = scope()
    domain_id = "d-" + hashlib.sha256(f"{here.account} {here.region}".encode()).hexdigest()[:12]
    arn = here.arn("sagemaker", f"domain/{domain_id}")
    with _founding:
        founded = _state.here().get(arn)
        if founded is None:
            _make_execution_role()
            tags.set_tags(arn, [])
            founded = _state.here()[arn] = sandbox().clock.now()
    return {
        "DomainArn": arn,
        "DomainId": domain_id,
        "DomainName": NAME,
        "Status": "InService",
        "AuthMode": "IAM",
        "AppNetworkAccessType": "PublicInternetOnly",
        "DefaultUserSettings": {
            "ExecutionRole": f"arn:aws:iam::{here.account}:role/service-role/{EXECUTION_ROLE}",
        },
        "CreationTime": founded,
        "LastModifiedTime": founded,
        "Url": f"{sandbox().url}/_tidegate",
    }


def _make_execution_role() -> None:
    """Make the role of the people in Studio, which is global: the first region of an account makes it."""
    iam = scope().client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    try:
        iam.create_role(RoleName=EXECUTION_ROLE, Path="/service-role/", AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        return
    launching = {"Effect": "Allow", "Action": list(LAUNCHING), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [launching]})
    iam.put_role_policy(RoleName=EXECUTION_ROLE, PolicyName="projects", PolicyDocument=document)
