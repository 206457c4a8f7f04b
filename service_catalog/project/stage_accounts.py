"""The stack set that puts the project's roles into the accounts of its stages, one stack in each of them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudformation as cloudformation

from service_catalog.names import ROLE_PATH, stack_set_administration, stack_set_execution
from service_catalog.policy import iam_arn, if_, sub
from service_catalog.project.places import ELSEWHERE, PLACES
from service_catalog.project.scope import Project
from service_catalog.stage_account.project_roles import HOME, ID, KEY


def add_stage_accounts(stack: cdk.Stack, project: Project, template: str) -> cloudformation.CfnStackSet:
    """Add the stack set, there only if a stage is elsewhere; `template` is the key of its template beside the seeds."""
    instances = [
        if_(place.named_if, {"DeploymentTargets": {"Accounts": [sub(place.account)]}, "Regions": [stack.region]})
        for place in PLACES
    ]
    parameter = cloudformation.CfnStackSet.ParameterProperty
    values = {ID: sub(project.id), HOME: stack.account, KEY: project.storage.key.attr_arn}
    made = cloudformation.CfnStackSet(
        stack,
        "StageAccounts",
        stack_set_name=sub(project.names.stack_set),
        description=sub(f"Roles of SageMaker project {project.names.prefix} in the accounts of its stages"),
        permission_model="SELF_MANAGED",
        call_as="SELF",
        administration_role_arn=sub(iam_arn(f"role{ROLE_PATH}{stack_set_administration('${AWS::Region}')}")),
        execution_role_name=sub(stack_set_execution("${AWS::Region}")),
        capabilities=["CAPABILITY_NAMED_IAM"],
        template_url=sub(f"https://s3.${{AWS::Region}}.${{AWS::URLSuffix}}/{project.seeds.bucket}/{template}"),
        parameters=[parameter(parameter_key=name, parameter_value=value) for name, value in values.items()],
    )
    made.add_property_override("StackInstancesGroup", instances)
    made.cfn_options.condition = stack.node.find_child(ELSEWHERE)
    return made
