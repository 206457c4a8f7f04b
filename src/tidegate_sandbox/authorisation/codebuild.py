"""CodeBuild: a build is checked on its project."""

from tidegate_sandbox.authorisation.table import ANY, Table


def _project(resource: str) -> str:
    """Return the project of a build, `build/{project}:{id}`; a project itself is left as it is."""
    kind, _, name = resource.partition("/")
    return f"project/{name.partition(':')[0]}" if kind == "build" else resource


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
    whole=_project,
)
