"""The deploy pipeline's way through a stage: ask, test, end the test, release.

Which of these a stage needs is decided by `tidegate render`, whose variables the entry conditions read; what is not
needed is skipped.

Verify runs beside Deploy, not after it: whether CloudFormation fails a stack whose endpoint SageMaker rolled
back is not documented, and a Verify that came later would then never tell. It follows Deploy and judges once
Deploy has ended, whichever way. A test has no Verify: nothing guards it, so the stack's status tells.

What is run again by itself: the end of a test, for a test left behind goes on answering requests, and taking it away
twice is taking it away. A release is not: its failure may be Verify's verdict, and a second Deploy would release the
version that was just rolled back. An approval or a test is not either: a rejection fails it, and would be asked again.
Nothing is rolled back by CodePipeline. Its rollback runs a stage again with what an older execution rendered, past
plan, approval and registry; SageMaker's alarms roll back what is being released, and the registry what has been.
"""

from dataclasses import dataclass

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam

from service_catalog.policy import choose, sub
from service_catalog.project.actions import (
    SOURCE,
    Action,
    Stage,
    approval_action,
    build_action,
    deploy_action,
    entered_only_if,
    tried_again,
)
from service_catalog.project.places import place_of
from service_catalog.project.scope import Project

RENDER, RENDERED = "Render", "Rendered"
# What Render found out about the run that it is in, in words.
STARTED_BY = f"#{{{RENDER}.STARTED_BY}}"
DECIDE = "Decide"
# CodePipeline's longest approval, 60 days: it has to outlast any test, and a test that nobody decides on is declined.
DECIDE_MINUTES = 86_400


@dataclass(frozen=True)
class Release:
    """A stage of the deploy repository, and how the pipeline's own stages for it are called."""

    stage: str
    title: str

    @property
    def test(self) -> str:
        """The stage of the pipeline that puts a test in place and waits for a person to decide."""
        return f"{self.title}Test"

    def variable(self, name: str) -> str:
        """Name the variable of that purpose that Render exports for the stage."""
        return f"{RENDER}.{self.stage.upper()}_{name}"


RELEASES = (Release("staging", "Staging"), Release("prod", "Production"))


def release_stages(
    release: Release, project: Project, roles: dict[str, iam.CfnRole], verify: codebuild.CfnProject, topic: str
) -> list[Stage]:
    """Return the stages of the pipeline that bring what was rendered to one stage of the deploy repository."""
    plan = f"#{{{release.variable('PLAN_URL')}}}"
    approve = approval_action(
        "Approve",
        f"Release this to {release.title.lower()}? This run was started by {STARTED_BY}. The plan says what it would "
        "change, what guards it and what it costs. A rejection leaves everything as it is.",
        link=plan,
        topic=topic,
    )
    decide = approval_action(
        DECIDE,
        sub(
            f"The new version is being tested on the endpoint of {release.title.lower()}, beside the one that serves. "
            "Approve: the test is taken away and the new version is released under its guardrails. Reject: the new "
            "version is set to Rejected in the registry, the test is taken away, and what serves goes on serving. "
            "The evidence: both variants' metrics on the endpoint's dashboard in CloudWatch, and the requests and "
            f"answers that are captured under s3://${{Bucket}}/data-capture/{release.stage}/."
        ),
        link=plan,
        topic=topic,
        order=2,
        minutes=DECIDE_MINUTES,
    )
    follow = build_action(
        "Verify",
        verify,
        [SOURCE, RENDERED],
        environment={"STAGE": release.stage, "PIPELINE_EXECUTION_ID": "#{codepipeline.PipelineExecutionId}"},
    )

    place = place_of(release.stage)

    def deploy(files: str) -> Action:
        stack = sub(project.names.endpoint_stack(release.stage))
        elsewhere = {role: sub(place.role_arn(project.names, role)) for role in ("cloudformation", "deploy")}
        return deploy_action(
            "Deploy",
            RENDERED,
            files,
            stack=stack,
            role=choose(place.elsewhere, elsewhere["cloudformation"], roles["cloudformation"].attr_arn),
            action_role=choose(place.elsewhere, elsewhere["deploy"]),
        )

    def stage(
        name: str,
        variable: str,
        value: str,
        *actions: Action,
        on_failure: codepipeline.CfnPipeline.FailureConditionsProperty | None = None,
    ) -> Stage:
        entry = entered_only_if(release.variable(variable), value)
        return Stage(name=name, before_entry=entry, actions=list(actions), on_failure=on_failure)

    ended = deploy(f"{release.stage}.live")

    return [
        stage(f"{release.title}Approve", "APPROVAL", "manual", approve),
        stage(release.test, "TEST", "yes", deploy(f"{release.stage}.test"), decide),
        stage(f"{release.title}TestEnd", "TEST_END", "yes", ended, on_failure=tried_again()),
        stage(release.title, "RELEASE", "yes", deploy(release.stage), follow),
    ]
