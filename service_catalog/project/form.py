"""The form of a launch: its parameters as a template's, and how Studio and the console show them."""

import aws_cdk as cdk

from service_catalog.project.parameters import REPOSITORY, Git, Parameter, groups, parameters

# Where SageMaker looks for which of a template's parameters may be left out.
RULES = "SagemakerTemplateParameterRules"


def add_parameters(stack: cdk.Stack, git: Git) -> None:
    """Add the launch parameters of that variant to `stack`, with what Studio and the console show of them."""
    for each in parameters(git):
        _add(stack, each)
    if git == "connection":
        _add_different_repositories(stack)
    metadata: dict[str, object] = {
        "AWS::CloudFormation::Interface": {
            "ParameterGroups": [
                {"Label": {"default": group.title}, "Parameters": [each.name for each in group.parameters]}
                for group in groups(git)
            ],
            "ParameterLabels": {each.name: {"default": each.label} for each in parameters(git)},
        }
    }
    if optional := {each.name: {"Optional": True} for each in parameters(git) if each.optional}:
        metadata[RULES] = optional
    stack.template_options.metadata = metadata


def _add(stack: cdk.Stack, parameter: Parameter) -> None:
    cdk.CfnParameter(
        stack,
        parameter.name,
        description=parameter.description,
        default=parameter.default,
        allowed_values=list(parameter.values) or None,
        allowed_pattern=None if parameter.values else parameter.pattern,
        min_length=parameter.min_length or None,
        max_length=parameter.max_length,
        constraint_description=parameter.constraint,
    )


def _add_different_repositories(stack: cdk.Stack) -> None:
    build, deploy = (str(cdk.Fn.ref(REPOSITORY[part])) for part in ("build", "deploy"))
    same = cdk.Fn.condition_equals(build, deploy)
    cdk.CfnRule(
        stack,
        "TwoRepositories",
        assertions=[
            cdk.CfnRuleAssertion(
                assert_=cdk.Fn.condition_not(same),
                assert_description="What builds the model and what deploys it are two repositories, not one.",
            )
        ],
    )
