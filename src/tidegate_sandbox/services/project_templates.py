"""The stacks of SageMaker projects that are launched from a template in S3.

SageMaker makes the stack SP-…, with the role that is named, for whoever asks for the project.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CfnCreateTemplateProvider.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox.context import scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.catalog import launch_parameters
from tidegate_sandbox.services.catalog.templates import template
from tidegate_sandbox.services.stacks import StackFailedError, settled, update_stack, why
from tidegate_sandbox.state import changing

Detail = dict[str, Any]
"""A CfnTemplateProviderDetail."""


@dataclass(frozen=True)
class Identity:
    """What makes a project this one: its name, and the id and ARN of SageMaker's; `own_tags` are its maker's."""

    name: str
    id: str
    arn: str
    own_tags: list[dict[str, str]]

    def parameters(self, given: Iterable[str]) -> dict[str, str]:
        """Return the parameters that SageMaker gives; AwsError where one of them is among those `given`."""
        own = {"SageMakerProjectName": self.name, "SageMakerProjectId": self.id}
        if clashing := sorted(own.keys() & set(given)):
            raise AwsError("ValidationException", f"{', '.join(clashing)} are SageMaker's to give.")
        return own

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of all that the project is made of."""
        tags = {
            "sagemaker:project-name": self.name,
            "sagemaker:project-id": self.id,
            "sagemaker:project-arn": self.arn,
        }
        return [*self.own_tags, *({"Key": key, "Value": value} for key, value in tags.items())]


@dataclass
class Change:
    """A change of a project's stack that was found to be possible: what comes of it, and what is asked for.

    `verb` is CREATE, UPDATE or DELETE.
    """

    detail: Detail
    verb: str
    request: Mapping[str, Any]
    asked: bool = False

    def ask(self, cloudformation: Any) -> None:
        """Ask CloudFormation for it."""
        if self.verb == "UPDATE":
            update_stack(cloudformation, dict(self.request))
        else:
            operation = cloudformation.create_stack if self.verb == "CREATE" else cloudformation.delete_stack
            operation(**self.request)


def create(identity: Identity, provider: dict[str, Any]) -> Change:
    """Return the making of the stack of a project by a CfnTemplateProvider.

    Raise AwsError(ValidationException) where there is no such template or it would not take the parameters.
    """
    if not provider:
        raise AwsError("ValidationException", "A template provider must be a CfnTemplateProvider.")
    given = {each["Key"]: each.get("Value", "") for each in provider.get("Parameters", [])}
    given |= identity.parameters(given)
    detail: Detail = {
        "TemplateName": provider["TemplateName"],
        "TemplateURL": provider["TemplateURL"],
        "Parameters": [{"Key": key, "Value": value} for key, value in given.items()],
        "StackDetail": {"Name": f"SP-{identity.id}", "StatusMessage": ""},
        **({"RoleARN": provider["RoleARN"]} if "RoleARN" in provider else {}),
    }
    request = _request(detail) | {"Tags": identity.tags}
    return Change(detail, "CREATE", request)


def update(before: Detail, provider: dict[str, Any]) -> Change:
    """Return the update of a project's stack to another template or other parameters; those not given stay."""
    if provider.get("TemplateName") != before["TemplateName"]:
        raise AwsError("ValidationException", f"The project has no template {provider.get('TemplateName')!r}.")
    given = {each["Key"]: each.get("Value", "") for each in provider.get("Parameters", [])}
    merged = {each["Key"]: each["Value"] for each in before["Parameters"]} | given
    declared = _declared(provider["TemplateURL"])
    kept = [{"Key": key, "Value": value} for key, value in merged.items() if key in declared or key in given]
    detail = before | {"TemplateURL": provider["TemplateURL"], "Parameters": kept}
    return Change(detail, "UPDATE", _request(detail))


def delete(before: Detail) -> Change:
    """Return the deletion of a project's stack."""
    return Change(before, "DELETE", {"StackName": before["StackDetail"]["Name"]})


def finish(change: Change) -> tuple[Detail, bool]:
    """Make a change and wait for its end; return what the project says of it then, and whether it succeeded."""
    stack = change.detail["StackDetail"]
    cloudformation = scope().client("cloudformation")
    try:
        with changing():
            if not change.asked:
                change.ask(cloudformation)
                change.asked = True
        made = settled(scope(), stack["Name"])
        if made is None and change.verb != "DELETE":
            raise StackFailedError(f"The stack {stack['Name']} is gone.")
        if made and (not made["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in made["StackStatus"]):
            raise StackFailedError(why(scope(), stack["Name"], f"{change.verb}_FAILED"))
    except (StackFailedError, ClientError) as error:
        return change.detail | {"StackDetail": stack | {"StatusMessage": str(error)}}, False
    status = made["StackStatus"] if made else "DELETE_COMPLETE"
    told = stack | {"StatusMessage": status} | ({"Id": made["StackId"]} if made else {})
    return change.detail | {"StackDetail": told}, True


def _request(detail: Detail) -> dict[str, Any]:
    try:
        url, parsed = template(detail["TemplateURL"])
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    given = {each["Key"]: each["Value"] for each in detail["Parameters"]}
    if problems := launch_parameters.problems(parsed, given):
        raise AwsError("ValidationException", "; ".join(problems))
    return {
        "StackName": detail["StackDetail"]["Name"],
        "TemplateURL": url,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        **({"RoleARN": detail["RoleARN"]} if "RoleARN" in detail else {}),
    }


def _declared(url: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = template(url)[1].get("Parameters", {})
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    return found
