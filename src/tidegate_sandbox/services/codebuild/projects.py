"""CodeBuild's projects: the API and AWS::CodeBuild::Project. What would change a build and is not here is refused."""

import re
from typing import Any

from tidegate_sandbox import context, credentials, hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service, check_parameters
from tidegate_sandbox.services import networks
from tidegate_sandbox.services.codebuild import webhooks
from tidegate_sandbox.services.codebuild.records import Project, lock, state
from tidegate_sandbox.services.codebuild.source import PROVIDERS, SourceError, hosted
from tidegate_sandbox.services.properties import as_parameters

codebuild = Service("codebuild")

SOURCES = ("S3", "CODEPIPELINE", "CODECOMMIT", "NO_SOURCE", *PROVIDERS)
CONTAINERS = ("LINUX_CONTAINER", "ARM_CONTAINER")
_REFUSED = {
    "secondarySources": "secondary sources outside a pipeline are",
    "secondarySourceVersions": "secondary sources outside a pipeline are",
    "fileSystemLocations": "file systems are",
    "buildBatchConfig": "batch builds are",
    "badgeEnabled": "build badges are",
    "concurrentBuildLimit": "a limit of concurrent builds is",
}
VALUE_MAX = 4096
"""Characters of a variable's value, as CodeBuild refuses more; its reference does not say so."""
_KEPT = (
    "description",
    "sourceVersion",
    "secondaryArtifacts",
    "cache",
    "logsConfig",
    "tags",
    "autoRetryLimit",
)
# CodeBuild user guide, "Allow Amazon VPC access in your CodeBuild projects".
_NETWORK = ("vpcId", "subnets", "securityGroupIds")


@codebuild.operation("CreateProject")
def create(p: dict[str, Any]) -> dict[str, Any]:
    """Create a project; also for CloudFormation."""
    check_role(p["serviceRole"])
    _check_network(p)
    with lock:
        if p["name"] in state.here().projects:
            raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {project_arn(p['name'])}")
        now = context.sandbox().clock.now()
        made = _project(p) | {"created": now, "lastModified": now}
        state.here().projects[p["name"]] = made
    return {"project": made}


@codebuild.operation("UpdateProject")
def update(p: dict[str, Any]) -> dict[str, Any]:
    """Change what is given of a project; an empty `vpcConfig` takes it out of its network."""
    with lock:
        before = find(p["name"])
    check_role({**before, **p}["serviceRole"])
    _check_network({**before, **p})
    with lock:
        return {"project": _changed(find(p["name"]), {**before, **p})}


@codebuild.operation("DeleteProject")
def delete(p: dict[str, Any]) -> None:
    """Delete a project; what is not there is no error, as in AWS."""
    with lock:
        state.here().projects.pop(p["name"], None)


@codebuild.operation("BatchGetProjects")
def _batch_get(p: dict[str, Any]) -> dict[str, Any]:
    projects = dict(state.here().projects)
    names = [name.removeprefix(project_arn("")) for name in p["names"]]
    return {
        "projects": [projects[name] for name in names if name in projects],
        "projectsNotFound": [name for name in names if name not in projects],
    }


@codebuild.operation("ListProjects")
def _list(p: dict[str, Any]) -> dict[str, Any]:
    return {"projects": sorted(state.here().projects, reverse=p.get("sortOrder") == "DESCENDING")}


@codebuild.operation("CreateWebhook")
def create_webhook(p: dict[str, Any]) -> dict[str, Any]:
    """Let what happens at the project's git host start builds; also for CloudFormation."""
    with lock:
        project = find(p["projectName"])
        if project["source"]["type"] not in PROVIDERS:
            raise _invalid("A webhook is of a project whose source is at a git host")
        if "webhook" in project:
            raise AwsError("ResourceAlreadyExistsException", f"{p['projectName']} has a webhook already")
        groups = p.get("filterGroups", [])
        if refused := webhooks.refused(groups):
            raise _invalid(refused)
        try:
            hosted(project["source"])
        except SourceError as error:
            raise _invalid(str(error)) from None
        made = {"url": f"{context.sandbox().url}/webhooks/{project['name']}", "filterGroups": groups}
        if policy := p.get("pullRequestBuildPolicy"):
            made["pullRequestBuildPolicy"] = policy
        project["webhook"] = made
    return {"webhook": made}


@codebuild.operation("DeleteWebhook")
def _delete_webhook(p: dict[str, Any]) -> None:
    with lock:
        if find(p["projectName"]).pop("webhook", None) is None:
            raise AwsError("ResourceNotFoundException", f"{p['projectName']} has no webhook")


def _changed(before: Project, parameters: dict[str, Any]) -> Project:
    made = _project(parameters)
    made |= {"created": before["created"], "lastModified": context.sandbox().clock.now()}
    if "webhook" in before:
        made["webhook"] = before["webhook"]
    state.here().projects[made["name"]] = made
    return made


def find(name: str) -> Project:
    """Return the project; AwsError where there is none."""
    found = state.here().projects.get(name.removeprefix(project_arn("")))
    if found is None:
        arn = name if name.startswith("arn:") else project_arn(name)
        raise AwsError("ResourceNotFoundException", f"Project cannot be found: {arn}")
    return found


def project_arn(name: str) -> str:
    """Return the ARN of a project in the scope that is being served."""
    return context.scope().arn("codebuild", f"project/{name}")


def check_role(arn: str) -> None:
    """Raise AwsError for a service role that CodeBuild may not assume, or that is not the account's."""
    account = re.match(r"arn:aws:iam::(\d{12}):role/", arn)
    if account is None:
        raise _invalid(f"Invalid service role: {arn} is no ARN of a role")
    if account[1] != context.scope().account:
        raise _invalid("Invalid service role: Service role account ID does not match caller's account")
    if not credentials.may_assume(arn, "codebuild"):
        raise _invalid(
            "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The "
            "provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role "
            "has the necessary trust policy configured."
        )


def refuse_variables(variables: list[dict[str, Any]]) -> None:
    """Raise AwsError for environment variables that CodeBuild does not take, or the simulation cannot resolve."""
    for one in variables:
        if len(one["value"]) > VALUE_MAX:
            raise _invalid(f"EnvironmentVariable should be at most {VALUE_MAX} characters")


def check_source(source: dict[str, Any], artifacts: dict[str, Any]) -> None:
    """Raise AwsError where `source` and `artifacts` do not fit together or are not simulated."""
    if source["type"] not in SOURCES:
        raise _invalid(f"source type {source['type']} is not in the local simulation: {', '.join(SOURCES)}")
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise _invalid("source and artifacts must both be of type CODEPIPELINE or neither")
    if source["type"] not in ("CODEPIPELINE", "NO_SOURCE") and not source.get("location"):
        raise _invalid(f"a source of type {source['type']} needs a location")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise _invalid("a project with no source needs its buildspec in the project")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise _invalid("artifacts of type S3 need a location, the name of a bucket")
    if source["type"] in PROVIDERS and source.get("auth", {}).get("type") != "CODECONNECTIONS":
        raise _invalid(f"a source of type {source['type']} is reached by auth CODECONNECTIONS in the local simulation")
    if source.get("reportBuildStatus") and source["type"] not in PROVIDERS:
        raise _invalid(f"the status of a build cannot be reported to a source of type {source['type']}")
    if source.get("gitSubmodulesConfig", {}).get("fetchSubmodules"):
        raise _invalid("git submodules are not in the local simulation")


def _check_network(p: dict[str, Any]) -> None:
    """Raise AwsError where the network of the project `p` is not whole, not there, or not its role's to look at."""
    given = p.get("vpcConfig")
    if not given:
        return
    if missing := [name for name in _NETWORK if not given.get(name)]:
        raise _invalid(f"Invalid vpc config: {', '.join(missing)} must be given, and with it {', '.join(_NETWORK)}")
    try:
        with credentials.acting_as(p["serviceRole"], "codebuild", "AWSCodeBuild"):
            look_at_network(p)
    except networks.NetworkError as error:
        if error.forbidden:
            raise _invalid(f"Not authorized to perform {error.operation}") from None
        raise _invalid(f"Invalid vpc config: {error}") from None


def look_at_network(project: Project) -> None:
    """Look at the network that builds of the project are to be in, if any; NetworkError where none could join it."""
    if given := project.get("vpcConfig"):
        networks.check(given["subnets"], given["securityGroupIds"], given["vpcId"])


def _project(p: dict[str, Any]) -> Project:
    for name, what in _REFUSED.items():
        if p.get(name):
            raise _invalid(f"{name}: {what} not in the local simulation")
    environment = p["environment"]
    if environment["type"] not in CONTAINERS:
        raise _invalid(
            f"environment type {environment['type']} is not in the local simulation: {', '.join(CONTAINERS)}"
        )
    for name in ("privilegedMode", "certificate", "registryCredential", "fleet", "dockerServer"):
        if environment.get(name):
            raise _invalid(f"environment.{name} is not in the local simulation")
    if p.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise _invalid("logs in S3 are not in the local simulation")
    refuse_variables(environment.get("environmentVariables", []))
    check_source(p["source"], p["artifacts"])
    for target in p.get("secondaryArtifacts", []):
        check_source(p["source"], target)
        if not target.get("artifactIdentifier"):
            raise _invalid("secondary artifacts need an artifactIdentifier each")
    cache = p.get("cache", {})
    if cache.get("type") == "S3" and not cache.get("location"):
        raise _invalid("Invalid cache: location must be a valid S3 bucket, followed by slash and the prefix")
    return {
        "name": p["name"],
        "arn": project_arn(p["name"]),
        "source": p["source"],
        "artifacts": p["artifacts"],
        "environment": {"environmentVariables": [], "privilegedMode": False, **environment},
        "serviceRole": p["serviceRole"],
        "timeoutInMinutes": p.get("timeoutInMinutes", 60),
        "queuedTimeoutInMinutes": p.get("queuedTimeoutInMinutes", 480),
        "encryptionKey": p.get("encryptionKey") or context.scope().arn("kms", "alias/aws/s3"),
        "badge": {"badgeEnabled": False},
        **{name: p[name] for name in _KEPT if name in p},
        **({"vpcConfig": p["vpcConfig"]} if p.get("vpcConfig") else {}),
    }


def _invalid(sentence: str) -> AwsError:
    return AwsError("InvalidInputException", sentence)


class ProjectResource:
    """AWS::CodeBuild::Project: Ref gives the name, GetAtt the Arn."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create the project."""
        name = properties.get("Name") or hooks.physical_name(stack, logical_id, 150)
        create(self._parameters({**properties, "Name": name}))
        try:
            self._listen(name, properties)
        except AwsError as error:
            delete({"name": name})
            raise ValueError(error.message) from None
        return name, {"Arn": project_arn(name)}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Make the project what the template says; another name means another project."""
        if new.get("Name", physical_id) != physical_id:
            return self.create(logical_id, new, stack)
        # Not UpdateProject: a property that the template no longer has goes back to its default.
        parameters = self._parameters({**new, "Name": physical_id})
        _check_network(parameters)
        with lock:
            made = _changed(find(physical_id), parameters)
            made.pop("webhook", None)
        self._listen(physical_id, new)
        return physical_id, {"Arn": made["arn"]}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the project."""
        delete({"name": physical_id})

    def _listen(self, name: str, properties: dict[str, Any]) -> None:
        triggers = dict(properties.get("Triggers") or {})
        if str(triggers.pop("Webhook", "false")).lower() == "true":
            given = as_parameters("codebuild", "CreateWebhook", {**triggers, "ProjectName": name})
            create_webhook(check_parameters("codebuild", "CreateWebhook", given))

    def _parameters(self, properties: dict[str, Any]) -> dict[str, Any]:
        properties = dict(properties)
        properties.pop("Triggers", None)
        for name in ("Visibility", "ResourceAccessRole"):
            if properties.pop(name, None):
                raise ValueError(f"{name} of AWS::CodeBuild::Project is not in the local simulation")
        given = as_parameters("codebuild", "CreateProject", properties)
        return check_parameters("codebuild", "CreateProject", given)
