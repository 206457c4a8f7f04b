"""What the page's buttons do: one operation each, called as boto3 calls it."""

from typing import Any

from tidegate_sandbox.page.reading import Reader, Told

OFFERED = frozenset(
    {
        ("sagemaker", "create_project"),
        ("sagemaker", "delete_project"),
        ("sagemaker", "update_model_package"),
        ("sagemaker", "start_pipeline_execution"),
        ("sagemaker", "stop_pipeline_execution"),
        ("codepipeline", "start_pipeline_execution"),
        ("codepipeline", "stop_pipeline_execution"),
        ("codepipeline", "retry_stage_execution"),
        ("codepipeline", "put_approval_result"),
        ("codebuild", "stop_build"),
    }
)
"""Service and operation, by boto3's names."""


class NotOfferedError(Exception):
    """The page has no button for it."""


def call(asker: Reader, service: str, operation: str, parameters: dict[str, Any]) -> Told:
    """Call an operation and return what it answers.

    Raise NotOfferedError for one that no button is for, and what boto3 raises.
    """
    if (service, operation) not in OFFERED:
        raise NotOfferedError(f"The page does not call {service} {operation}.")
    return asker.ask(service, operation, **parameters)
