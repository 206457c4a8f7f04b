"""Where each stage's endpoint is: in the project's own account, or in one that the launch was given for it.

A template may not name an account twice among the principals of a policy or the targets of a stack set, and a launch
may give both stages the same one. So a condition tells of each stage whether it is elsewhere at all, and another one
whether its account is to be named for it: the first of two equal accounts is.
"""

from dataclasses import dataclass

import aws_cdk as cdk

from service_catalog.names import ROLE_PATH, ProjectNames
from service_catalog.policy import iam_arn
from service_catalog.project.parameters import ACCOUNT

# Whether any stage is in another account than the project.
ELSEWHERE = "Elsewhere"


@dataclass(frozen=True)
class Place:
    """A stage of the deploy repository, the launch parameter with its account, and what the template knows of it."""

    stage: str
    parameter: str
    elsewhere: str
    """The condition that the stage is in another account than the project."""
    named_if: str
    """The condition that its account is elsewhere and no earlier stage's."""

    @property
    def account(self) -> str:
        """The `Fn::Sub` text of the account, right only where the stage is elsewhere."""
        return f"${{{self.parameter}}}"

    def role_arn(self, names: ProjectNames, purpose: str) -> str:
        """ARN of the project's role of that purpose in the stage's account."""
        return iam_arn(f"role{ROLE_PATH}{names.role(purpose)}", self.account)


STAGING = Place("staging", ACCOUNT["staging"], "StagingElsewhere", "StagingElsewhere")
PRODUCTION = Place("prod", ACCOUNT["prod"], "ProductionElsewhere", "ProductionApart")
PLACES = (STAGING, PRODUCTION)


def place_of(stage: str) -> Place:
    """Return the place of the stage of that name."""
    return next(place for place in PLACES if place.stage == stage)


def add_conditions(stack: cdk.Stack) -> None:
    """Add the conditions that tell which stages are elsewhere."""
    fn = cdk.Fn

    def differs(one: str, other: str) -> cdk.ICfnConditionExpression:
        return fn.condition_not(fn.condition_equals(one, other))

    elsewhere = [
        cdk.CfnCondition(
            stack,
            place.elsewhere,
            expression=fn.condition_and(
                differs(str(fn.ref(place.parameter)), ""), differs(str(fn.ref(place.parameter)), stack.account)
            ),
        )
        for place in PLACES
    ]
    apart = differs(str(fn.ref(STAGING.parameter)), str(fn.ref(PRODUCTION.parameter)))
    cdk.CfnCondition(stack, PRODUCTION.named_if, expression=fn.condition_and(elsewhere[1], apart))
    cdk.CfnCondition(stack, ELSEWHERE, expression=fn.condition_or(*elsewhere))
