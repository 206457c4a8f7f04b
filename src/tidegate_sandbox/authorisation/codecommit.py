"""CodeCommit: everything is checked on the repository, which a pull request known by its id alone does not name."""

from tidegate_sandbox.authorisation.table import ANY, Table

_REPOSITORY = ("{repositoryName}",)

TABLE = Table(
    namespace="codecommit",
    passed_to="",
    resources={
        **dict.fromkeys(
            ("CreateRepository", "DeleteRepository", "GetBranch", "GetCommit", "GetFile", "GetRepository"), _REPOSITORY
        ),
        "CreatePullRequest": ("{targets.repositoryName}",),
        "GetCommentsForPullRequest": _REPOSITORY,
        "GetPullRequest": ANY,
        "ListBranches": _REPOSITORY,
        "ListPullRequests": _REPOSITORY,
        "GetMergeOptions": _REPOSITORY,
        "MergePullRequestByFastForward": _REPOSITORY,
        "MergePullRequestBySquash": _REPOSITORY,
        "MergePullRequestByThreeWay": _REPOSITORY,
        "PostCommentForPullRequest": _REPOSITORY,
        "UpdatePullRequestStatus": ANY,
        "ListRepositories": ANY,
    },
    tagging=("codecommit:TagResource", None),
)
