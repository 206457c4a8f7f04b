"""CodePipeline: everything is checked on the pipeline, an answer to an approval on its action."""

from tidegate_sandbox.authorisation.table import ANY, Table

_BY_NAME = ("DeletePipeline", "GetPipeline", "GetPipelineState", "StartPipelineExecution")
_BY_PIPELINE_NAME = (
    "DisableStageTransition",
    "EnableStageTransition",
    "GetPipelineExecution",
    "ListActionExecutions",
    "ListPipelineExecutions",
    "ListRuleExecutions",
    "OverrideStageCondition",
    "PutApprovalResult",
    "RetryStageExecution",
    "RollbackStage",
    "StopPipelineExecution",
)

TABLE = Table(
    namespace="codepipeline",
    passed_to="codepipeline.amazonaws.com",
    resources={
        **dict.fromkeys(("CreatePipeline", "UpdatePipeline"), ("{pipeline.name}",)),
        **dict.fromkeys(_BY_NAME, ("{name}",)),
        **dict.fromkeys(_BY_PIPELINE_NAME, ("{pipelineName}",)),
        **dict.fromkeys(("ListPipelines", "PutJobFailureResult", "PutJobSuccessResult"), ANY),
    },
    roles=("pipeline.roleArn",),
    tagging=("codepipeline:TagResource", None),
)
