"""The project: everything that one launch of the product creates, as one CloudFormation stack without assets."""

import aws_cdk as cdk

from service_catalog.acknowledged import VALIDATOR
from service_catalog.names import ProjectNames
from service_catalog.policy import sub
from service_catalog.project.choices import add_choices
from service_catalog.project.codecommit import CodeCommitRepositories
from service_catalog.project.connection import HostedRepositories
from service_catalog.project.form import add_parameters
from service_catalog.project.goodbye import add_goodbye
from service_catalog.project.images import add_images
from service_catalog.project.network import add_network
from service_catalog.project.parameters import ID, NAME, Git
from service_catalog.project.pipelines import add_pipelines
from service_catalog.project.places import add_conditions
from service_catalog.project.roles import add_roles
from service_catalog.project.scope import Project, SeedLocation
from service_catalog.project.seeding import add_seeding
from service_catalog.project.sources import PARTS
from service_catalog.project.stage_accounts import add_stage_accounts
from service_catalog.project.starting import add_starter
from service_catalog.project.storage import add_storage


def define_project(app: cdk.App, stack_id: str, seeds: SeedLocation, git: Git, stage_roles: str) -> cdk.Stack:
    """Return the stack of one project, which is seeded from the bundle at `seeds`; `git` is where its code lives.

    `stage_roles` is the key, beside the seeds, of the template of its roles in other accounts.
    """
    stack = cdk.Stack(
        app,
        stack_id,
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
        description="Tidegate: a SageMaker project whose model releases are guarded",
    )
    add_parameters(stack, git)
    add_choices(stack)
    add_network(stack)
    add_conditions(stack)
    names = ProjectNames(project_name=f"${{{NAME}}}", project_id=f"${{{ID}}}")
    repositories = CodeCommitRepositories(stack, names) if git == "codecommit" else HostedRepositories(stack, names)
    project = Project(names, add_storage(stack, names), repositories, seeds)
    images = add_images(stack, names, project.storage)
    roles = add_roles(stack, project)
    accounts = add_stage_accounts(stack, project, stage_roles)
    starter = add_starter(stack, project)
    seeded = add_seeding(stack, project, roles, starter, accounts, images)
    add_pipelines(stack, project, roles, after=seeded)
    add_goodbye(stack, project, roles, starter)
    cdk.Tags.of(stack).add("sagemaker:project-name", sub(names.project_name))
    cdk.Tags.of(stack).add("sagemaker:project-id", sub(names.project_id))
    _add_outputs(stack, project)
    cdk.Validations.of(stack).acknowledge(
        *(
            cdk.Acknowledgment(id=f"CloudFormation-Validate::{rule}", reason=reason)
            for rule, reason in VALIDATOR.items()
        )
    )
    return stack


def _add_outputs(stack: cdk.Stack, project: Project) -> None:
    for part in PARTS:
        cdk.CfnOutput(
            stack,
            f"{part.title()}RepositoryUrl",
            value=project.repositories.address(part),
            description=f"Clone this to change how the model is {'built' if part == 'build' else 'deployed'}",
        )
    for part in PARTS:
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
