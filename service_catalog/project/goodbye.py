"""Goodbye: what a project leaves behind that CloudFormation knows nothing of is removed before the project is.

Endpoint stacks need the project's own role to go; models and endpoint configs outlive their stacks; SageMaker makes log
groups by itself; repositories hold work that has to be bundled before they are deleted. So a custom resource has a
build started when it is deleted, and everything else waits for that build's answer.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam

from service_catalog.policy import choose, sub
from service_catalog.project.builds import add_build_project
from service_catalog.project.parameters import ON_DELETION
from service_catalog.project.places import PLACES, Place
from service_catalog.project.scope import Project
from service_catalog.project.starting import Starter, add_started_build

# CloudFormation waits for a custom resource an hour at most, and the build's own start is part of it.
SERVICE_TIMEOUT_SECONDS = 60 * 60
BUILD_MINUTES = 55
BUILDSPEC = "buildspec.goodbye.yml"
# What begins work by itself. It is made after the goodbye and so is deleted before it: nothing new can begin while it
# takes away what there is.
BEGINS_WORK = frozenset({"AWS::CodePipeline::Pipeline", "AWS::Events::Rule"})


def add_goodbye(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], starter: Starter) -> cdk.CfnResource:
    """Add the build that says goodbye, and the custom resource that has it started; call it last.

    Of everything in `stack`, only what begins work is created later and deleted earlier than that resource. What
    refers to such a thing has to be of BEGINS_WORK too.
    """
    names, storage = project.names, project.storage
    builds = [each for each in stack.node.find_all() if isinstance(each, codebuild.CfnProject)]
    build = add_build_project(
        stack,
        names,
        storage,
        roles["goodbye"],
        "goodbye",
        does="Removes what the project made beside its own stack, before the project is deleted",
        source=codebuild.CfnProject.SourceProperty(
            type="S3", location=sub(f"{project.seeds.bucket}/{project.seeds.key}"), build_spec=BUILDSPEC
        ),
        minutes=BUILD_MINUTES,
    )
    properties = {
        "Project": sub(names.prefix),
        "ProjectId": sub(names.project_id),
        "OnDeletion": sub(f"${{{ON_DELETION}}}"),
        "Stacks": [_endpoint_stack(project, place) for place in PLACES],
        "Builds": [each.ref for each in builds],
        "Pipeline": sub(names.model_package_group),
        "ModelPackageGroup": sub(names.model_package_group),
        "Bucket": sub(names.bucket),
        "AccessLog": sub(names.log_bucket),
        "Images": sub(names.image_repository),
        "Key": storage.key.attr_arn,
        "Repositories": project.repositories.made_here(),
    }
    goodbye = add_started_build(
        stack, "Goodbye", starter, build, on="Delete", seconds=SERVICE_TIMEOUT_SECONDS, properties=properties
    )
    _put_in_order(
        stack, goodbye, _referred_to(stack.resolve([properties, starter.function.attr_arn, build.ref])), starter
    )
    return goodbye


def _endpoint_stack(project: Project, place: Place) -> dict[str, str]:
    """Tell a stage's stack, and the role that removes it where it is in another account."""
    role = choose(place.elsewhere, sub(place.role_arn(project.names, "goodbye")), "")
    return {"Stack": sub(project.names.endpoint_stack(place.stage)), "Role": role}


def _put_in_order(stack: cdk.Stack, goodbye: cdk.CfnResource, referred_to: set[str], starter: Starter) -> None:
    after = []
    for each in stack.node.find_all():
        if not isinstance(each, cdk.CfnResource) or each is goodbye or each in starter.told_by:
            continue
        if each.cfn_resource_type in BEGINS_WORK:
            each.add_resource_dependency(goodbye)
        elif condition := each.cfn_options.condition:
            # Nothing may depend by name on what may not be there; a value may.
            after.append({"Fn::If": [stack.resolve(condition.logical_id), {"Ref": stack.resolve(each.logical_id)}, ""]})
        elif stack.resolve(each.logical_id) not in referred_to:
            goodbye.add_resource_dependency(each)
    if after:
        goodbye.add_property_override("After", after)


def _referred_to(value: Any) -> set[str]:
    """Return the resources that a value depends on already."""
    if isinstance(value, list):
        return set().union(*map(_referred_to, value))
    if not isinstance(value, dict):
        return set()
    own = {value["Ref"]} if "Ref" in value else {value["Fn::GetAtt"][0]} if "Fn::GetAtt" in value else set()
    return own.union(*map(_referred_to, value.values()))
