"""CodeCommit: everything is checked on the repository."""

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
        "ListBranches": _REPOSITORY,
        "ListPullRequests": _REPOSITORY,
        "PostCommentForPullRequest": _REPOSITORY,
        "ListRepositories": ANY,
    },
    tagging=("codecommit:TagResource", None),
)
