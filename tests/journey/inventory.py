"""Everything there is in an account, as far as the services' own list calls tell.

What cannot be deleted is left out: stacks, projects and products that are deleted, and the history of jobs and builds.
"""

from collections.abc import Callable, Iterator
from typing import Any

Client = Callable[[str], Any]
LISTS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    # kind: operation of a service, member of its answer, name in the member
    "alarm": ("cloudwatch.describe_alarms", "MetricAlarms", "AlarmName", {}),
    "bucket": ("s3.list_buckets", "Buckets", "Name", {}),
    "build project": ("codebuild.list_projects", "projects", "", {}),
    "connection": ("codeconnections.list_connections", "Connections", "ConnectionName", {}),
    "dashboard": ("cloudwatch.list_dashboards", "DashboardEntries", "DashboardName", {}),
    "endpoint": ("sagemaker.list_endpoints", "Endpoints", "EndpointName", {}),
    "endpoint config": ("sagemaker.list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", {}),
    "event rule": ("events.list_rules", "Rules", "Name", {}),
    "function": ("lambda.list_functions", "Functions", "FunctionName", {}),
    "image repository": ("ecr.describe_repositories", "repositories", "repositoryName", {}),
    "key": ("kms.list_keys", "Keys", "KeyId", {}),
    "key alias": ("kms.list_aliases", "Aliases", "AliasName", {}),
    "log group": ("logs.describe_log_groups", "logGroups", "logGroupName", {}),
    "model": ("sagemaker.list_models", "Models", "ModelName", {}),
    "model package group": (
        "sagemaker.list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName", {},
    ),
    "monitoring schedule": (
        "sagemaker.list_monitoring_schedules", "MonitoringScheduleSummaries", "MonitoringScheduleName", {},
    ),
    "parameter": ("ssm.describe_parameters", "Parameters", "Name", {}),
    "pipeline": ("codepipeline.list_pipelines", "pipelines", "name", {}),
    "policy": ("iam.list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    "product": ("servicecatalog.search_provisioned_products", "ProvisionedProducts", "Name", {}),
    "repository": ("codecommit.list_repositories", "repositories", "repositoryName", {}),
    "role": ("iam.list_roles", "Roles", "RoleName", {}),
    "sagemaker pipeline": ("sagemaker.list_pipelines", "PipelineSummaries", "PipelineName", {}),
    "secret": ("secretsmanager.list_secrets", "SecretList", "Name", {}),
    "subscription": ("sns.list_subscriptions", "Subscriptions", "SubscriptionArn", {}),
    "topic": ("sns.list_topics", "Topics", "TopicArn", {}),
}  # fmt: skip


def inventory(client: Client) -> set[tuple[str, str]]:
    """Return the kind and the name of everything there is."""
    return set(_found(client))


def _found(client: Client) -> Iterator[tuple[str, str]]:
    for kind, (called, member, name, request) in LISTS.items():
        service, _, operation = called.partition(".")
        for each in _pages(client(service), operation, member, request):
            yield kind, each[name] if name else each
    for stack in _pages(client("cloudformation"), "list_stacks", "StackSummaries", {}):
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield "stack", stack["StackName"]
    for project in _pages(client("sagemaker"), "list_projects", "ProjectSummaryList", {}):
        if project["ProjectStatus"] != "DeleteCompleted":
            yield "project", project["ProjectName"]


def _pages(client: Any, operation: str, member: str, request: dict[str, Any]) -> Iterator[Any]:
    if not client.can_paginate(operation):
        yield from getattr(client, operation)(**request)[member]
        return
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[member]
