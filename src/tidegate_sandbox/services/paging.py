"""Answers of List operations, a page at a time."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

from tidegate_sandbox.errors import AwsError


def page(
    items: Sequence[Any],
    parameters: dict[str, Any],
    member: str,
    *,
    at_most: int = 100,
    size: str = "MaxResults",
    token: str = "NextToken",  # noqa: S107 - the name of a member, no secret
    next_token: str | None = None,
    error: str = "ValidationException",
) -> dict[str, Any]:
    """Return the page of `items` that `parameters` ask for as {`member`: page, and the next token if there is more}.

    `size` and `token` name the parameters, `next_token` the answer's member (`token` unless given); a page has
    `at_most` items unless a smaller size is asked for. A token that no answer gave raises AwsError(`error`).
    """
    start = _start(parameters.get(token), error)
    end = start + min(parameters.get(size) or at_most, at_most)
    answer: dict[str, Any] = {member: list(items[start:end])}
    if end < len(items):
        answer[next_token or token] = base64.urlsafe_b64encode(f"from {end}".encode()).decode()
    return answer


def _start(token: str | None, error: str) -> int:
    if not token:
        return 0
    try:
        word, position = base64.urlsafe_b64decode(token).decode().split(" ")
        start = int(position)
    except (binascii.Error, ValueError):
        word, start = "", 0
    if word != "from" or start < 1:
        raise AwsError(error, "The token is not one that an earlier answer gave.")
    return start


def listed(items: Iterable[dict[str, Any]], parameters: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return `items` as SageMaker's List operations filter and sort them: by creation, ascending, unless asked.

    `name` is the member that NameContains looks at (in any case) and that SortBy Name sorts by.
    """
    contained = parameters.get("NameContains", "").lower()
    found = [
        item
        for item in items
        if contained in item.get(name, "").lower()
        and item["CreationTime"] >= parameters.get("CreationTimeAfter", item["CreationTime"])
        and item["CreationTime"] <= parameters.get("CreationTimeBefore", item["CreationTime"])
    ]
    by = name if parameters.get("SortBy") == "Name" else "CreationTime"
    # Turned round after sorting, so that of two made in one instant the later one still counts as later.
    if parameters.get("SortOrder") == "Descending":
        return sorted(found, key=lambda item: item[by])[::-1]
    return sorted(found, key=lambda item: item[by])
