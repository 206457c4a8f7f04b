"""Rolling a stage back: an execution of its own that runs the stage as an earlier execution ran it.

CodePipeline user guide, "Configure stage rollback".
"""

import uuid

from tidegate_sandbox import context
from tidegate_sandbox.services.codepipeline.execution import Execution
from tidegate_sandbox.services.codepipeline.structure import Stage


def can_roll_back_to(target: Execution, execution: Execution, stage: Stage) -> bool:
    """Whether `stage` of the pipeline as `execution` has it succeeded in `target`, which rolled nothing back itself."""
    same = target.pipeline is execution.pipeline
    return same and target.rolls_back_to is None and target.stages.get(stage.name) == "Succeeded"


def rolling_back(target: Execution, trigger: str, detail: str) -> Execution:
    """Return an execution that has what `target` had: its revisions, artefacts and variables."""
    now = context.sandbox().clock.now()
    return Execution(
        id=str(uuid.uuid4()),
        pipeline=target.pipeline,
        version=target.version,
        scope=target.scope,
        trigger={"triggerType": trigger, "triggerDetail": detail},
        started=now,
        updated=now,
        given_variables=target.given_variables,
        commits=target.commits,
        branches=target.branches,
        artifacts=dict(target.artifacts),
        output_variables=dict(target.output_variables),
        revisions=dict(target.revisions),
        rolls_back_to=target.id,
    )
