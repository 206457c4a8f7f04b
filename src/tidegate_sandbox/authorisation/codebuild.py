"""CodeBuild: a build is checked on its project, a report on its group."""

from tidegate_sandbox.authorisation.table import ANY, Table

_WHOLE = {"build": "project", "report": "report-group"}


def _whole(resource: str) -> str:
    """Return the project of a build, `build/{project}:{id}`, the group of a report; what is whole is left as it is."""
    kind, _, name = resource.partition("/")
    return f"{_WHOLE[kind]}/{name.partition(':')[0]}" if kind in _WHOLE else resource


TABLE = Table(
    namespace="codebuild",
    passed_to="codebuild.amazonaws.com",
    resources={
        "BatchGetBuilds": ("project/{ids}",),
        "BatchGetProjects": ("project/{names}",),
        "BatchGetReportGroups": ("report-group/{reportGroupArns}",),
        "BatchGetReports": ("report/{reportArns}",),
        "CreateProject": ("project/{name}",),
        "CreateReportGroup": ("report-group/{name}",),
        "CreateWebhook": ("project/{projectName}",),
        "DeleteProject": ("project/{name}",),
        "DeleteReport": ("report/{arn}",),
        "DeleteReportGroup": ("report-group/{arn}",),
        "DescribeCodeCoverages": ("report/{reportArn}",),
        "DescribeTestCases": ("report/{reportArn}",),
        "DeleteWebhook": ("project/{projectName}",),
        "ListBuilds": ANY,
        "ListBuildsForProject": ("project/{projectName}",),
        "ListProjects": ANY,
        "ListReportGroups": ANY,
        "ListReports": ANY,
        "ListReportsForReportGroup": ("report-group/{reportGroupArn}",),
        "RetryBuild": ("project/{id}",),
        "StartBuild": ("project/{projectName}",),
        "StopBuild": ("project/{id}",),
        "UpdateProject": ("project/{name}",),
        "UpdateReportGroup": ("report-group/{arn}",),
    },
    roles=("serviceRole",),
    whole=_whole,
)
