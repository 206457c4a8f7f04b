"""What starts a pipeline by the paths of the files that changed."""

from collections.abc import Sequence

import pytest

from tidegate_sandbox.services.codepipeline.triggers import Paths, read

CHANGED = ["docs/a.md", "src/app/main.py"]


@pytest.mark.parametrize(
    ("includes", "excludes", "taken"),
    [
        ((), (), True),
        (("docs/**",), (), True),
        (("docs/*",), (), True),
        (("src/*",), (), False),
        (("src/**/*.py",), (), True),
        ((), ("docs/**",), True),
        ((), ("docs/**", "src/**"), False),
        (("src/**",), ("**/main.py",), False),
    ],
)
def test_one_file_that_is_included_and_not_excluded_will_do(
    includes: Sequence[str], excludes: Sequence[str], taken: bool
) -> None:
    assert Paths(tuple(includes), tuple(excludes)).take(lambda: CHANGED) is taken


def test_nobody_asks_for_the_files_where_no_filter_needs_them() -> None:
    [trigger] = read([{"gitConfiguration": {"sourceActionName": "S", "push": [{"branches": {"includes": ["main"]}}]}}])

    assert trigger.on_push("refs/heads/main", lambda: pytest.fail("asked"))


def test_branches_and_paths_have_to_fit_both() -> None:
    push = {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}}
    pull = {"events": ["OPEN"], "filePaths": {"includes": ["nothing"]}}
    [trigger] = read([{"gitConfiguration": {"sourceActionName": "S", "push": [push], "pullRequest": [pull]}}])

    assert trigger.on_push("refs/heads/main", lambda: CHANGED)
    assert not trigger.on_push("refs/heads/other", lambda: CHANGED)
    assert not trigger.on_push("refs/heads/main", lambda: ["docs/a.md"])
    assert not trigger.on_pull_request("created", "main", lambda: CHANGED)
