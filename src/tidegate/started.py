"""What started a run of a pipeline, in words: people ask it of every deploy, and CodePipeline keeps it well hidden."""

import re
from collections.abc import Mapping
from typing import Any, Final

_RULES: Final = {
    "approval": "the approval of a version in the model registry",
    "rejection": "the rejection of a version in the model registry",
    "push": "a push to the repository",
}
"""What the project's event rules hear of, by the end of their names."""

_TYPES: Final = {
    "CreatePipeline": "the creation of the pipeline",
    "Webhook": "a push to the repository",
    "WebhookV2": "a push to the repository",
    "PollForSourceChanges": "a change of the repository that was polled for",
    "PutActionRevision": "a change of the source that was reported to the pipeline",
    "ManualRollback": "a rollback of a stage by hand, to what an earlier run rendered",
    "AutomatedRollback": "a rollback of a stage, to what an earlier run rendered",
}
"""By CodePipeline's `ExecutionTrigger.triggerType` (API reference)."""


def started_by(codepipeline: Any, pipeline: str, execution: str) -> str:
    """Return what started `execution`, as it goes after "started by": no quotes and nothing that a shell expands."""
    found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
    return in_words(found["pipelineExecution"].get("trigger", {}))


def in_words(trigger: Mapping[str, str]) -> str:
    """Return what botocore's shape ExecutionTrigger says, as it goes after "started by"."""
    kind, detail = trigger.get("triggerType", ""), trigger.get("triggerDetail", "")
    if kind == "CloudWatchEvent":
        rule = detail.rpartition("/")[2]
        return (
            _RULES.get(rule.rpartition("-")[2]) or f"the event rule {_plain(rule) or 'that CodePipeline did not name'}"
        )
    if kind == "StartPipelineExecution":
        who = detail.partition("::")[2].partition(":")[2]
        return f"hand: {_plain(who) or 'CodePipeline does not say whose'}"
    return _TYPES.get(kind) or _plain(kind) or "something that CodePipeline does not name"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.,@:/+=-]", "", text)[:200]
