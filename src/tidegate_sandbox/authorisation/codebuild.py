"""CodeBuild: a build is checked on its project."""

from tidegate_sandbox.authorisation.table import ANY, Table

TABLE = Table(
    namespace="codebuild",
    passed_to="codebuild.amazonaws.com",
    resources={
        "BatchGetBuilds": ("project/{ids}",),
        "BatchGetProjects": ("project/{names}",),
        "CreateProject": ("project/{name}",),
        "CreateWebhook": ("project/{projectName}",),
        "DeleteProject": ("project/{name}",),
        "DeleteWebhook": ("project/{projectName}",),
        "ListBuilds": ANY,
        "ListBuildsForProject": ("project/{projectName}",),
        "ListProjects": ANY,
        "StartBuild": ("project/{projectName}",),
        "StopBuild": ("project/{id}",),
        "UpdateProject": ("project/{name}",),
    },
    roles=("serviceRole",),
)
