"""What one launch creates, wholly decided: every launch there is, and each form that a resource takes in any of them.

`launched` decides a template's conditions; here its parameters are filled in besides, and what is then constant is
worked out, so that what is left is what CloudFormation makes.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.service_catalog.launched import HOME, Template, answers, launched

PSEUDO = {
    "AWS::AccountId": HOME,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": f"arn:aws:cloudformation:eu-west-1:{HOME}:stack/SC-{HOME}-pp-abc/0123abcd",
    "AWS::URLSuffix": "amazonaws.com",
}
PROJECT = {"SageMakerProjectName": "churn", "SageMakerProjectId": "p-abc123def456"}
HOST = {
    "ConnectionArn": f"arn:aws:codeconnections:eu-west-1:{HOME}:connection/0123abcd-0123-4567-89ab-0123456789ab",
    "BuildRepository": "example/churn-build",
    "DeployRepository": "example/churn-deploy",
}
STAGING, PRODUCTION = "222222222222", "333333333333"
ACCOUNTS = {
    "own": {},
    "own, by its number": {"StagingAccount": HOME, "ProductionAccount": HOME},
    "staging elsewhere": {"StagingAccount": STAGING},
    "production elsewhere": {"ProductionAccount": PRODUCTION},
    "equal": {"StagingAccount": STAGING, "ProductionAccount": STAGING},
    "different": {"StagingAccount": STAGING, "ProductionAccount": PRODUCTION},
}
NETWORKS = {
    "no network": {},
    "network": {
        "VpcId": "vpc-0123456789abcdef0",
        "SubnetIds": "subnet-0123456789abcdef0,subnet-89abcdef",
        "SecurityGroupIds": "sg-0123456789abcdef0",
    },
}
LAUNCHES = {
    f"{accounts}, {network}": {**PROJECT, **ACCOUNTS[accounts], **NETWORKS[network]}
    for accounts, network in itertools.product(ACCOUNTS, NETWORKS)
}
# Of these each resource takes every form but those that only leave one of two equal statements out.
REVIEWED = [f"{accounts}, {network}" for accounts in ("own", "equal", "different") for network in NETWORKS]
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_FORM = "Form"


def resolved(template: Template, parameters: Mapping[str, str], pseudo: Mapping[str, str] | None = None) -> Template:
    """Return the template of a launch with these parameters: no condition, no parameter and no rule is left in it.

    `pseudo` are the pseudo parameters to fill in as well; those that are not given stay references.
    """
    given = {**answers(template, parameters), **(pseudo or {})}
    decided = launched(template, **parameters)

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return given.get(value["Ref"], value)
        if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            return _substituted(value["Fn::Sub"], given)
        return _worked_out({key: filled(each) for key, each in value.items()})

    kept = {name: filled(decided[name]) for name in ("Resources", "Outputs") if name in decided}
    return {"AWSTemplateFormatVersion": "2010-09-09", **kept}


def launches(template: Template, pseudo: Mapping[str, str] | None = None) -> dict[str, Template]:
    """Return what each of LAUNCHES creates, by its name."""
    asked = template["Parameters"].keys()
    host = {name: value for name, value in HOST.items() if name in asked}
    return {name: resolved(template, {**launch, **host}, pseudo) for name, launch in LAUNCHES.items()}


def forms(templates: Iterable[Template]) -> Template:
    """Return one template with every form that any resource takes in any of `templates`, each of them once."""
    found: dict[str, dict[str, Any]] = {}
    for template in templates:
        for name, resource in template["Resources"].items():
            found.setdefault(name, {}).setdefault(json.dumps(resource, sort_keys=True), resource)
    resources = {
        name if number == 1 else f"{name}{_FORM}{number}": resource
        for name, all_forms in found.items()
        for number, resource in enumerate(all_forms.values(), 1)
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def without_form(name: str) -> str:
    """Return the logical id of the resource of which `name`, in what `forms` returns, is a form."""
    return re.sub(rf"{_FORM}\d+$", "", name)


def references(value: Any) -> Iterator[str]:
    """Yield the logical id or pseudo parameter of each `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn` in `value`."""
    if isinstance(value, dict):
        for key, each in value.items():
            match key:
                case "Ref":
                    yield each
                case "Fn::GetAtt":
                    yield each[0] if isinstance(each, list) else each.partition(".")[0]
                case "Fn::Sub":
                    text, own = (each, {}) if isinstance(each, str) else each
                    yield from (one.partition(".")[0] for one in _PLACEHOLDER.findall(text) if one not in own)
                    yield from references(own)
                case "DependsOn":
                    yield from [each] if isinstance(each, str) else each
                case _:
                    yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def _substituted(text: str, given: Mapping[str, str]) -> Any:
    left = _PLACEHOLDER.sub(lambda found: given.get(found[1], found[0]), text)
    return {"Fn::Sub": left} if "${" in left else left


def _worked_out(value: dict[str, Any]) -> Any:
    """Return what a function of constants comes to, and anything else as it is."""
    match value:
        case {"Fn::Split": [str(separator), str(text)]}:
            return text.split(separator)
        case {"Fn::Select": [int(index) | str(index), list(items)]}:
            return items[int(index)]
        case {"Fn::Join": [str(separator), list(items)]} if all(isinstance(each, str) for each in items):
            return separator.join(items)
    return value
