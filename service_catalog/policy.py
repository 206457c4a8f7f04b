"""IAM statements as values, and the two ways one may be scoped: to named resources, or to any with a reason."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

VERSION = "2012-10-17"


@dataclass(frozen=True)
class Statement:
    """Something a role may do. `because` is set if, and only if, the resource is `*`.

    `only_if` names a condition of the template without which the statement is not there.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] | None = None
    because: str | None = None
    only_if: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the statement as IAM's JSON; resources are `Fn::Sub` texts."""
        resources = [sub(each) for each in self.resources]
        statement = {
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": resources[0] if len(resources) == 1 else resources,
        }
        return if_(self.only_if, statement | ({"Condition": dict(self.condition)} if self.condition else {}))


def allow(
    actions: Iterable[str], on: Sequence[str], when: Mapping[str, Any] | None = None, *, only_if: str | None = None
) -> Statement:
    """Allow `actions` on the ARNs `on`, under the condition `when`; `only_if` is as a `Statement` has it.

    Raises ValueError if one of the resources is `*`.
    """
    if "*" in on:
        raise ValueError("a statement about any resource has to say why: use allow_on_any")
    return Statement(tuple(actions), tuple(on), when, only_if=only_if)


def allow_on_any(actions: Iterable[str], because: str, when: Mapping[str, Any] | None = None) -> Statement:
    """Allow `actions` on `*`: right only where IAM knows nothing narrower, or not yet; `because` says so."""
    return Statement(tuple(actions), ("*",), when, because)


def if_(condition: str | None, value: dict[str, Any]) -> dict[str, Any]:
    """Return `value` where the template's `condition` is met, and nothing where it is not; `value` if there is none."""
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]} if condition else value


def choose(condition: str, value: str, otherwise: str | None = None) -> str:
    """Return the token for `value` where the template's `condition` is met, else `otherwise`, or nothing if None."""
    other = str(cdk.Fn.ref("AWS::NoValue")) if otherwise is None else otherwise
    return str(cdk.Token.as_string(cdk.Fn.condition_if(condition, value, other)))


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": VERSION, "Statement": [each.document() for each in statements]}


def reasons(statements: Iterable[Statement]) -> dict[str, str]:
    """Return why each action that is allowed on `*` is: the template carries it for whoever reviews it."""
    return {action: each.because for each in statements if each.because for action in each.actions}


def trust(service: str, when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the document that lets `service` (such as `codebuild`) assume a role."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {"Version": VERSION, "Statement": [statement | ({"Condition": dict(when)} if when else {})]}


def equals(key: str, value: str) -> dict[str, Any]:
    """Return the condition that `key` equals `value` (an `Fn::Sub` text)."""
    return {"StringEquals": {key: sub(value)}}


def unless_other(key: str, value: str) -> dict[str, Any]:
    """Return the condition that `key`, if the request carries it at all, equals `value` (an `Fn::Sub` text).

    For keys of which it is not documented that each service sends them, or sends them at once.
    """
    return {"StringEqualsIfExists": {key: sub(value)}}


def passed_to(*services: str) -> dict[str, Any]:
    """Return the condition that a role is passed to these services only."""
    principals = [f"{service}.amazonaws.com" for service in services]
    return {"StringEquals": {"iam:PassedToService": principals[0] if len(principals) == 1 else principals}}


def sub(text: str) -> str:
    """Return the token for `text`: `Ref` if it is one placeholder, `Fn::Sub` if it has any, else the text."""
    if one := re.fullmatch(r"\$\{([A-Za-z0-9:]+)\}", text):
        return str(cdk.Fn.ref(one[1]))
    return str(cdk.Fn.sub(text)) if "${" in text else text


def arn(service: str, resource: str, account: str = "${AWS::AccountId}") -> str:
    """Return the `Fn::Sub` text of an ARN in the stack's own partition and region, and unless said in its account."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:{account}:{resource}"


def iam_arn(resource: str, account: str = "${AWS::AccountId}") -> str:
    """Return the `Fn::Sub` text of an IAM ARN, which has no region."""
    return f"arn:${{AWS::Partition}}:iam::{account}:{resource}"


def s3_arn(resource: str) -> str:
    """Return the `Fn::Sub` text of an S3 ARN, which has neither region nor account."""
    return f"arn:${{AWS::Partition}}:s3:::{resource}"
