"""Projects, and all that belongs to one: what its stack made, and what carries its tag."""

from collections.abc import Mapping
from typing import Any

from tidegate.registry import PROJECT_TAG
from tidegate_sandbox import context
from tidegate_sandbox.page.reading import Reader, Told, last_part, or_none

_RECENT = 5
_PARTS = {
    "AWS::CodePipeline::Pipeline": "codepipelines",
    "AWS::CodeBuild::Project": "builds",
    "AWS::SageMaker::ModelPackageGroup": "groups",
}


def every(reader: Reader) -> list[Told]:
    """Return all projects that are there, the newest first."""
    listed = reader.every(
        "sagemaker", "list_projects", "ProjectSummaryList", SortBy="CreationTime", SortOrder="Descending"
    )
    return [
        {
            "name": each["ProjectName"],
            "id": each["ProjectId"],
            "description": each.get("ProjectDescription", ""),
            "status": each["ProjectStatus"],
            "created": each["CreationTime"],
        }
        for each in listed
        if each["ProjectStatus"] != "DeleteCompleted"
    ]


def one(reader: Reader, name: str, _query: Mapping[str, str]) -> Told:
    """Return a project with its repositories, pipelines, registry and endpoints."""
    described = reader.ask("sagemaker", "describe_project", ProjectName=name)
    stack, outputs, said = _launched(reader, described)
    made = _resources(reader, stack)
    return {
        "name": name,
        "id": described["ProjectId"],
        "arn": described["ProjectArn"],
        "description": described.get("ProjectDescription", ""),
        "status": described["ProjectStatus"],
        "said": said,
        "created": described["CreationTime"],
        "stack": stack,
        "making": _progress(made) if described["ProjectStatus"].endswith("InProgress") else None,
        "outputs": outputs,
        "repositories": [_repository(reader, each) for each in _repositories(reader, made, described["ProjectId"])],
        "pipelines": _pipelines(reader, described["ProjectId"]),
        "endpoints": _endpoints(described["ProjectId"]),
        **{
            part: [
                last_part(each["PhysicalResourceId"])
                for each in made
                if each["ResourceType"] == kind and each.get("PhysicalResourceId")
            ]
            for kind, part in _PARTS.items()
        },
    }


def _launched(reader: Reader, described: Told) -> tuple[str, list[Told], str]:
    """Return the project's stack, its outputs, and what is said of how it went."""
    details = described.get("ServiceCatalogProvisionedProductDetails")
    if details:
        said = details.get("ProvisionedProductStatusMessage", "")
        product = or_none(reader, "servicecatalog", "describe_provisioned_product", Id=details["ProvisionedProductId"])
        if product is None:
            return "", [], said
        found = reader.ask("servicecatalog", "describe_record", Id=product["ProvisionedProductDetail"]["LastRecordId"])
        outputs = [
            {"key": each["OutputKey"], "value": each["OutputValue"], "description": each.get("Description", "")}
            for each in found["RecordOutputs"]
        ]
        searched = reader.ask(
            "servicecatalog",
            "search_provisioned_products",
            Filters={"SearchQuery": [f"id:{details['ProvisionedProductId']}"]},
        )["ProvisionedProducts"]
        return (last_part_of_stack(searched[0].get("PhysicalId", "")) if searched else ""), outputs, said
    providers = described.get("TemplateProviderDetails") or [{}]
    detail = providers[0].get("CfnTemplateProviderDetail", {}).get("StackDetail", {})
    stack = or_none(reader, "cloudformation", "describe_stacks", StackName=detail.get("Name", "")) if detail else None
    outputs = [
        {"key": each["OutputKey"], "value": each["OutputValue"], "description": each.get("Description", "")}
        for each in (stack["Stacks"][0].get("Outputs", []) if stack else [])
    ]
    return detail.get("Name", ""), outputs, detail.get("StatusMessage", "")


def last_part_of_stack(identifier: str) -> str:
    """Return the name in a stack's ARN; a name as it is."""
    return identifier.partition(":stack/")[2].partition("/")[0] or identifier


def _resources(reader: Reader, stack: str) -> list[Told]:
    found = or_none(reader, "cloudformation", "describe_stack_resources", StackName=stack) if stack else None
    return list(found["StackResources"]) if found else []


def _progress(made: list[Told]) -> Told:
    done = [each for each in made if each["ResourceStatus"].endswith("_COMPLETE")]
    under_way = [each["LogicalResourceId"] for each in made if each["ResourceStatus"].endswith("_IN_PROGRESS")]
    return {"done": len(done), "begun": len(made), "under_way": under_way}


def _repositories(reader: Reader, made: list[Told], project_id: str) -> list[str]:
    ids = {each.get("PhysicalResourceId") for each in made if each["ResourceType"] == "AWS::CodeCommit::Repository"}
    listed = reader.every("codecommit", "list_repositories", "repositories")
    return [
        each["repositoryName"] for each in listed if each["repositoryId"] in ids or project_id in each["repositoryName"]
    ]


def _repository(reader: Reader, name: str) -> Told:
    metadata = reader.ask("codecommit", "get_repository", repositoryName=name)["repositoryMetadata"]
    branch = metadata.get("defaultBranch", "main")
    found = or_none(reader, "codecommit", "get_branch", repositoryName=name, branchName=branch)
    commits: list[Any] = []
    commit_id = found["branch"]["commitId"] if found else ""
    while commit_id and len(commits) < _RECENT:
        commit = reader.ask("codecommit", "get_commit", repositoryName=name, commitId=commit_id)["commit"]
        commits.append(
            {
                "id": commit_id,
                "message": commit.get("message", "").strip(),
                "author": commit.get("author", {}).get("name", ""),
                "at": commit.get("author", {}).get("date", ""),
            }
        )
        commit_id = next(iter(commit.get("parents", [])), "")
    return {"name": name, "clone": metadata["cloneUrlHttp"], "branch": branch, "commits": commits}


def _pipelines(reader: Reader, project_id: str) -> list[Told]:
    """Return the SageMaker pipelines that carry the project's tag, or have its id in their name."""
    return [
        {
            "name": each["PipelineName"],
            "last": each.get("LastExecutionTime"),
        }
        for each in reader.every("sagemaker", "list_pipelines", "PipelineSummaries")
        if project_id in each["PipelineName"] or reader.tags(each["PipelineArn"]).get(PROJECT_TAG) == project_id
    ]


def _endpoints(project_id: str) -> list[Told]:
    """Return the endpoints of all accounts that serve what was made for the project."""
    found = []
    for scope in context.scopes_in_use():
        reader = Reader(scope)
        for endpoint in reader.every("sagemaker", "list_endpoints", "Endpoints"):
            if (
                project_id in endpoint["EndpointName"]
                or reader.tags(endpoint["EndpointArn"]).get(PROJECT_TAG) == project_id
            ):
                found.append(
                    {
                        "name": endpoint["EndpointName"],
                        "status": endpoint["EndpointStatus"],
                        "account": scope.account,
                        "region": scope.region,
                    }
                )
    return sorted(found, key=lambda each: each["name"], reverse=True)
