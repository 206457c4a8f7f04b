"""The tags of SageMaker resources, by ARN in any case: one store for all of them, and SageMaker's tag operations.

Whoever makes a resource calls `set_tags` for it, with no tags too: that is what makes its ARN known here.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from tidegate_sandbox.context import Scoped
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import sagemaker

Tags = list[dict[str, str]]
"""As SageMaker writes them: [{"Key": …, "Value": …}]."""

MOST = 50
"""Tags that a resource can have (AddTags, TagList in botocore's model)."""

_store: Scoped[dict[str, dict[str, str]]] = Scoped(dict)
"""What is in it is replaced, never changed: a list of tags is read whole."""
_changing = Lock()


def set_tags(arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Add `tags` to the resource `arn`, each over one of the same key; it is taggable from then on."""
    with _changing:
        _set(arn, _store.here().get(arn.lower(), {}), tags)


def replace_tags(arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Let the resource `arn` have `tags` and no others."""
    with _changing:
        _set(arn, {}, tags)


def _set(arn: str, before: Mapping[str, str], tags: Iterable[Mapping[str, str]]) -> None:
    added = {tag["Key"]: tag["Value"] for tag in tags}
    for key in added:
        if key.lower().startswith("aws:"):
            raise AwsError("ValidationException", f"The tag key {key!r} begins with aws:, which is kept for AWS.")
    merged = {**before, **added}
    if len(merged) > MOST:
        raise AwsError("ValidationException", f"{arn} would have {len(merged)} tags, and the limit is {MOST}.")
    _store.here()[arn.lower()] = merged


def tags_of(arn: str) -> Tags:
    """Return the tags of the resource `arn`; none for one that was never tagged."""
    return [{"Key": key, "Value": value} for key, value in _store.here().get(arn.lower(), {}).items()]


def drop(arn: str) -> None:
    """Forget the resource `arn`, for it is deleted; before its name can be taken again."""
    with _changing:
        _store.here().pop(arn.lower(), None)


@sagemaker.operation("AddTags")
def add_tags(parameters: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a resource that exists."""
    arn = _existing(parameters["ResourceArn"])
    set_tags(arn, parameters["Tags"])
    return {"Tags": tags_of(arn)}


@sagemaker.operation("ListTags")
def list_tags(parameters: dict[str, Any]) -> dict[str, Any]:
    """List a resource's tags."""
    return page(tags_of(_existing(parameters["ResourceArn"])), parameters, "Tags", at_most=MOST)


@sagemaker.operation("DeleteTags")
def delete_tags(parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove tags by key; one that is not there is no error."""
    with _changing:
        arn = _existing(parameters["ResourceArn"])
        kept = {key: value for key, value in _store.here()[arn].items() if key not in parameters["TagKeys"]}
        _store.here()[arn] = kept
    return {}


def _existing(arn: str) -> str:
    if arn.lower() not in _store.here():
        raise AwsError("ValidationException", f"Could not find resource {arn!r}.")
    return arn.lower()
