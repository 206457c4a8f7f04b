"""The project: everything that one launch of the product creates, as one CloudFormation stack without assets."""

import aws_cdk as cdk

from service_catalog.names import (
    PROJECT_ID_MAX,
    PROJECT_ID_PATTERN,
    PROJECT_NAME_MAX,
    PROJECT_NAME_PATTERN,
    ProjectNames,
)
from service_catalog.policy import sub
from service_catalog.project.pipelines import add_pipelines
from service_catalog.project.roles import add_roles
from service_catalog.project.scope import Project, SeedLocation
from service_catalog.project.seeding import add_seeding
from service_catalog.project.storage import add_storage

NAME, ID = "SageMakerProjectName", "SageMakerProjectId"


def define_project(app: cdk.App, stack_id: str, seeds: SeedLocation) -> cdk.Stack:
    """Return the stack of one project, which is seeded from the bundle at `seeds`."""
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description="Tidegate: a SageMaker project whose model releases are guarded",
    )
    _add_parameters(stack)
    names = ProjectNames(project_name=f"${{{NAME}}}", project_id=f"${{{ID}}}")
    project = Project(names, add_storage(stack, names), seeds)
    roles = add_roles(stack, project)
    add_pipelines(stack, project, roles, after=add_seeding(stack, project, roles))
    cdk.Tags.of(stack).add("sagemaker:project-name", sub(names.project_name))
    cdk.Tags.of(stack).add("sagemaker:project-id", sub(names.project_id))
    _add_outputs(stack, project)
    return stack


def _add_parameters(stack: cdk.Stack) -> None:
    cdk.CfnParameter(
        stack,
        NAME,
        description="Name of the project",
        min_length=1,
        max_length=PROJECT_NAME_MAX,
        allowed_pattern=PROJECT_NAME_PATTERN,
        constraint_description=(
            f"A project name has 1 to {PROJECT_NAME_MAX} letters, digits and hyphens, and begins and ends with "
            "a letter or a digit."
        ),
    )
    cdk.CfnParameter(
        stack,
        ID,
        description="Id of the project, given by SageMaker",
        min_length=3,
        max_length=PROJECT_ID_MAX,
        allowed_pattern=PROJECT_ID_PATTERN,
        constraint_description=("A project id is p- and 1 to 18 lower-case letters and digits, as SageMaker gives it."),
    )


def _add_outputs(stack: cdk.Stack, project: Project) -> None:
    for part, repository in project.storage.repositories.items():
        cdk.CfnOutput(
            stack,
            f"{part.title()}RepositoryUrl",
            value=repository.attr_clone_url_http,
            description=f"Clone this to change how the model is {'built' if part == 'build' else 'deployed'}",
        )
    for part in ("build", "deploy"):
        cdk.CfnOutput(
            stack,
            f"{part.title()}PipelineName",
            value=sub(project.names.pipeline(part)),
            description=f"The CodePipeline that runs on a push to the {part} repository",
        )
    cdk.CfnOutput(stack, "Artefacts", value=project.storage.bucket.ref, description="Artefact bucket")
    cdk.CfnOutput(
        stack, "ModelPackages", value=sub(project.names.model_package_group), description="Model package group"
    )
