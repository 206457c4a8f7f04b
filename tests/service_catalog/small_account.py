"""An account with one project in it, small enough to read: what a goodbye finds, removes, and is refused."""

# ruff: noqa: N803 - arguments have AWS's own names
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tests.tidegate.answering import Handler, answering, refusal

ID, PREFIX = "p-abc123", "churn-p-abc123"
OTHERS = "p-other"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333"
OWN_STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/SC-1/1"
BUCKET, ACCESS_LOG = f"sagemaker-{ID}-bucket", f"sagemaker-{ID}-bucket-log"
IMAGES = f"tidegate/sagemaker-{ID}-images"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
STACKS = (f"sagemaker-{ID}-staging", f"sagemaker-{ID}-prod")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def properties(**changes: Any) -> dict[str, Any]:
    """Return the custom resource's properties."""
    return {
        "Project": PREFIX,
        "ProjectId": ID,
        "OnDeletion": "keep",
        "Stacks": [{"Stack": name} for name in STACKS],
        "Builds": [f"sagemaker-{ID}-build"],
        "Pipeline": PREFIX,
        "ModelPackageGroup": PREFIX,
        "Bucket": BUCKET,
        "AccessLog": ACCESS_LOG,
        "Images": IMAGES,
        "Key": KEY,
        "Repositories": {},
        **changes,
    }


class SmallAccount:
    """Each kind of thing is a dictionary or a set by name; `refusing` has errors by operation and name."""

    def __init__(self) -> None:
        self.stacks = dict.fromkeys(STACKS, "UPDATE_COMPLETE")
        self.endpoints = {f"{PREFIX}-staging", f"{PREFIX}-prod", "others-p-other-prod"}
        self.configs = {"Config-1": ID, "Config-2": ID, "Config-of-another": OTHERS}
        self.models = {"Model-1": ID, "Model-2": ID, "Model-of-another": OTHERS}
        self.schedules: set[str] = set()
        self.alarms = {f"{PREFIX}-prod-by-hand", "others-p-other-prod-5xx"}
        self.dashboards = {"others-p-other-prod"}
        self.log_groups = {f"/aws/sagemaker/Endpoints/{PREFIX}-prod", "/aws/sagemaker/Endpoints/others-p-other-prod"}
        self.builds = {"build:1": "IN_PROGRESS", "build:0": "SUCCEEDED"}
        self.executions = {f"{ARN}:pipeline/{PREFIX}/execution/1": "Executing"}
        self.pipelines = {PREFIX}
        self.versions = [f"{ARN}:model-package/{PREFIX}/{number}" for number in (1, 2)]
        self.groups: dict[str, dict[str, str]] = {PREFIX: {}}
        self.buckets: dict[str, list[tuple[str, str]]] = {BUCKET: [("model", "1"), ("model", "2")], ACCESS_LOG: []}
        self.bucket_tags: dict[str, dict[str, str]] = {BUCKET: {"aws:cloudformation:stack-name": "SC-1"}}
        self.images: dict[str, dict[str, str]] = {IMAGES: {}}
        self.key_state, self.key_tags = "Enabled", dict[str, str]()
        self.repositories: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.refusing: dict[tuple[str, str], Exception] = {}
        self.order: list[str] = []

    def client(self, service: str) -> Any:
        """Return a client of this account."""
        return self._clients(service)

    @cache  # noqa: B019
    def _clients(self, service: str) -> Any:
        return answering(service, getattr(self, f"_{service}")())

    def _do(self, operation: str, name: str) -> None:
        if (operation, name) in self.refusing:
            raise self.refusing[operation, name]
        self.order.append(f"{operation} {name}")

    # ------------------------------------------------------------ services
    def _cloudformation(self) -> dict[str, Handler]:
        def name_of(stack: str) -> str:
            return stack.split("/")[1] if stack.startswith("arn:") else stack

        def describe(StackName: str) -> dict[str, Any]:
            name = name_of(StackName)
            if name not in self.stacks:
                raise refusal("ValidationError", f"Stack with id {name} does not exist")
            arn = f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/1"
            status = self.stacks[name]
            return {"Stacks": [{"StackName": name, "StackId": arn, "StackStatus": status, "CreationTime": NOW}]}

        def delete(StackName: str) -> dict[str, Any]:
            name = name_of(StackName)
            self._do("DeleteStack", name)
            endpoint = f"{PREFIX}-{name.rpartition('-')[2]}"
            if ("DeleteEndpoint", endpoint) in self.refusing:
                self.stacks[name] = "DELETE_FAILED"
            else:
                self.endpoints.discard(endpoint)
                self.stacks[name] = "DELETE_COMPLETE"
            return {}

        def events(StackName: str) -> dict[str, Any]:
            endpoint = f"{PREFIX}-{name_of(StackName).rpartition('-')[2]}"
            error = self.refusing["DeleteEndpoint", endpoint]
            event = {
                "StackId": StackName,
                "EventId": "1",
                "StackName": name_of(StackName),
                "PhysicalResourceId": endpoint,
                "ResourceType": "AWS::SageMaker::Endpoint",
                "ResourceStatus": "DELETE_FAILED",
                "ResourceStatusReason": str(error),
                "Timestamp": NOW,
            }
            return {"StackEvents": [event]}

        return {"DescribeStacks": describe, "DeleteStack": delete, "DescribeStackEvents": events}

    def _sagemaker(self) -> dict[str, Handler]:
        def listed(member: str, kind: str, names: Any, **more: Any) -> Handler:
            def answer(**asked: Any) -> dict[str, Any]:
                found = [name for name in names() if asked.get("NameContains", "").lower() in name.lower()]
                resource = {"EndpointConfig": "endpoint-config", "Endpoint": "endpoint", "Model": "model"}
                arn = f"{ARN}:{resource.get(kind, 'monitoring-schedule')}"
                return {
                    member: [
                        {f"{kind}Name": name, f"{kind}Arn": f"{arn}/{name.lower()}", "CreationTime": NOW, **more}
                        for name in sorted(found)
                    ]
                }

            return answer

        def deletes(operation: str, key: str, things: Any) -> Handler:
            def answer(**asked: Any) -> dict[str, Any]:
                self._do(operation, asked[key])
                if isinstance(things, dict):
                    del things[asked[key]]
                else:
                    things.discard(asked[key])
                return {}

            return answer

        def tags(ResourceArn: str) -> dict[str, Any]:
            owned = {name.lower(): of for name, of in {**self.configs, **self.models}.items()}
            return {"Tags": [{"Key": "sagemaker:project-id", "Value": owned[ResourceArn.rpartition("/")[2]]}]}

        def executions(PipelineName: str) -> dict[str, Any]:
            if PipelineName not in self.pipelines:
                raise refusal("ResourceNotFound", f"Pipeline {PipelineName} does not exist.")
            members = ("PipelineExecutionArn", "PipelineExecutionStatus")
            found = [dict(zip(members, each, strict=True)) for each in self.executions.items()]
            return {"PipelineExecutionSummaries": found}

        def stop(PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
            self._do("StopPipelineExecution", PipelineExecutionArn)
            self.executions[PipelineExecutionArn] = "Stopped"
            return {}

        def delete_pipeline(PipelineName: str, ClientRequestToken: str) -> dict[str, Any]:
            self._do("DeletePipeline", PipelineName)
            self.pipelines.remove(PipelineName)
            return {}

        def versions(**_: Any) -> dict[str, Any]:
            members = {"ModelPackageStatus": "Completed", "CreationTime": NOW}
            return {"ModelPackageSummaryList": [{"ModelPackageArn": arn, **members} for arn in self.versions]}

        def delete_version(ModelPackageName: str) -> dict[str, Any]:
            self._do("DeleteModelPackage", ModelPackageName)
            self.versions.remove(ModelPackageName)
            return {}

        def group(ModelPackageGroupName: str) -> dict[str, Any]:
            if ModelPackageGroupName not in self.groups:
                raise refusal("ValidationException", f"ModelPackageGroup {ModelPackageGroupName} does not exist.")
            return {
                "ModelPackageGroupName": ModelPackageGroupName,
                "ModelPackageGroupArn": f"{ARN}:model-package-group/{ModelPackageGroupName}",
                "ModelPackageGroupStatus": "Completed",
                "CreationTime": NOW,
                "CreatedBy": {},
            }

        def delete_group(ModelPackageGroupName: str) -> dict[str, Any]:
            group(ModelPackageGroupName)
            assert not self.versions
            self._do("DeleteModelPackageGroup", ModelPackageGroupName)
            del self.groups[ModelPackageGroupName]
            return {}

        def add_tags(ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
            self.groups[ResourceArn.rpartition("/")[2]] |= {tag["Key"]: tag["Value"] for tag in Tags}
            return {}

        live = {"LastModifiedTime": NOW, "EndpointStatus": "InService"}
        scheduled = {"LastModifiedTime": NOW, "MonitoringScheduleStatus": "Scheduled"}
        return {
            "ListEndpoints": listed("Endpoints", "Endpoint", lambda: self.endpoints, **live),
            "ListEndpointConfigs": listed("EndpointConfigs", "EndpointConfig", lambda: self.configs),
            "ListModels": listed("Models", "Model", lambda: self.models),
            "ListMonitoringSchedules": listed(
                "MonitoringScheduleSummaries", "MonitoringSchedule", lambda: self.schedules, **scheduled
            ),
            "ListTags": tags,
            "DeleteEndpoint": deletes("DeleteEndpoint", "EndpointName", self.endpoints),
            "DeleteEndpointConfig": deletes("DeleteEndpointConfig", "EndpointConfigName", self.configs),
            "DeleteModel": deletes("DeleteModel", "ModelName", self.models),
            "DeleteMonitoringSchedule": deletes("DeleteMonitoringSchedule", "MonitoringScheduleName", self.schedules),
            "ListPipelineExecutions": executions,
            "StopPipelineExecution": stop,
            "DeletePipeline": delete_pipeline,
            "ListModelPackages": versions,
            "DeleteModelPackage": delete_version,
            "DescribeModelPackageGroup": group,
            "DeleteModelPackageGroup": delete_group,
            "AddTags": add_tags,
        }

    def _cloudwatch(self) -> dict[str, Handler]:
        def alarms(AlarmNamePrefix: str) -> dict[str, Any]:
            return {"MetricAlarms": [{"AlarmName": name} for name in _beginning(self.alarms, AlarmNamePrefix)]}

        def dashboards(DashboardNamePrefix: str) -> dict[str, Any]:
            found = _beginning(self.dashboards, DashboardNamePrefix)
            return {"DashboardEntries": [{"DashboardName": name} for name in found]}

        def delete_alarms(AlarmNames: list[str]) -> dict[str, Any]:
            self._do("DeleteAlarms", *AlarmNames)
            self.alarms -= set(AlarmNames)
            return {}

        def delete_dashboards(DashboardNames: list[str]) -> dict[str, Any]:
            self._do("DeleteDashboards", *DashboardNames)
            self.dashboards -= set(DashboardNames)
            return {}

        return {
            "DescribeAlarms": alarms,
            "ListDashboards": dashboards,
            "DeleteAlarms": delete_alarms,
            "DeleteDashboards": delete_dashboards,
        }

    def _logs(self) -> dict[str, Handler]:
        def groups(logGroupNamePrefix: str) -> dict[str, Any]:
            return {"logGroups": [{"logGroupName": name} for name in _beginning(self.log_groups, logGroupNamePrefix)]}

        def delete(logGroupName: str) -> dict[str, Any]:
            self._do("DeleteLogGroup", logGroupName)
            self.log_groups.remove(logGroupName)
            return {}

        return {"DescribeLogGroups": groups, "DeleteLogGroup": delete}

    def _codebuild(self) -> dict[str, Handler]:
        def stop(id: str) -> dict[str, Any]:
            self._do("StopBuild", id)
            self.builds[id] = "STOPPED"
            return {}

        return {
            "ListBuildsForProject": lambda **_: {"ids": list(self.builds)},
            "BatchGetBuilds": lambda ids: {"builds": [{"id": id, "buildStatus": self.builds[id]} for id in ids]},
            "StopBuild": stop,
        }

    def _codecommit(self) -> dict[str, Handler]:
        def get(repositoryName: str) -> dict[str, Any]:
            if repositoryName not in self.repositories:
                raise refusal("RepositoryDoesNotExistException", f"{repositoryName} does not exist")
            return {"repositoryMetadata": {"repositoryName": repositoryName}}

        return {"GetRepository": get}

    def _s3(self) -> dict[str, Handler]:
        def put(**asked: Any) -> dict[str, Any]:
            body = asked["Body"]
            self.objects[asked["Key"]] = body if isinstance(body, bytes) else body.read()
            return {}

        def versions(**asked: Any) -> dict[str, Any]:
            if asked["Bucket"] not in self.buckets:
                raise refusal("NoSuchBucket", "The specified bucket does not exist")
            found = self.buckets[asked["Bucket"]]
            return {"Versions": [{"Key": key, "VersionId": version} for key, version in found]}

        def delete_objects(Bucket: str, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:
            self._do("DeleteObjects", Bucket)
            gone = {(each["Key"], each["VersionId"]) for each in Delete["Objects"]}
            self.buckets[Bucket] = [each for each in self.buckets[Bucket] if each not in gone]
            return {}

        def delete_bucket(Bucket: str) -> dict[str, Any]:
            self._do("DeleteBucket", Bucket)
            if self.buckets[Bucket]:
                raise refusal("BucketNotEmpty", "The bucket you tried to delete is not empty")
            del self.buckets[Bucket]
            return {}

        def tagging(Bucket: str) -> dict[str, Any]:
            if Bucket not in self.bucket_tags:
                raise refusal("NoSuchTagSet", "The TagSet does not exist")
            return {"TagSet": [{"Key": key, "Value": value} for key, value in self.bucket_tags[Bucket].items()]}

        def put_tagging(Bucket: str, Tagging: dict[str, Any], **_: Any) -> dict[str, Any]:
            if refused := self.refusing.get(("PutBucketTagging", Bucket)):
                raise refused
            self.bucket_tags[Bucket] = {tag["Key"]: tag["Value"] for tag in Tagging["TagSet"]}
            return {}

        return {
            "PutObject": put,
            "ListObjectVersions": versions,
            "DeleteObjects": delete_objects,
            "DeleteBucket": delete_bucket,
            "GetBucketTagging": tagging,
            "PutBucketTagging": put_tagging,
        }

    def _ecr(self) -> dict[str, Handler]:
        def known(name: str) -> str:
            if name not in self.images:
                raise refusal("RepositoryNotFoundException", f"The repository with name '{name}' does not exist")
            return name

        def describe(repositoryNames: list[str]) -> dict[str, Any]:
            arn = "arn:aws:ecr:eu-west-1:111122223333:repository/"
            found = [{"repositoryName": known(name), "repositoryArn": f"{arn}{name}"} for name in repositoryNames]
            return {"repositories": found}

        def delete(repositoryName: str, force: bool) -> dict[str, Any]:
            assert force, "there may be images in it"
            known(repositoryName)
            self._do("DeleteRepository", repositoryName)
            del self.images[repositoryName]
            return {}

        def tag(resourceArn: str, tags: list[dict[str, str]]) -> dict[str, Any]:
            self.images[resourceArn.partition("/")[2]] |= {each["Key"]: each["Value"] for each in tags}
            return {}

        return {"DescribeRepositories": describe, "DeleteRepository": delete, "TagResource": tag}

    def _kms(self) -> dict[str, Handler]:
        def describe(KeyId: str) -> dict[str, Any]:
            return {"KeyMetadata": {"KeyId": KeyId, "KeyState": self.key_state}}

        def schedule(KeyId: str, PendingWindowInDays: int) -> dict[str, Any]:
            self._do("ScheduleKeyDeletion", KeyId)
            self.key_state = "PendingDeletion"
            return {}

        def tag(KeyId: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
            self.key_tags |= {each["TagKey"]: each["TagValue"] for each in Tags}
            return {}

        return {"DescribeKey": describe, "ScheduleKeyDeletion": schedule, "TagResource": tag}

    # ------------------------------------------------------------ what a test looks at
    def left(self) -> dict[str, Any]:
        """Return what is there of the project, but for what a stack of its own would take away."""
        mine = {
            "stacks": {name for name, status in self.stacks.items() if status != "DELETE_COMPLETE"},
            "endpoints": _of_the_project(self.endpoints),
            "configs": {name for name, of in self.configs.items() if of == ID},
            "models": {name for name, of in self.models.items() if of == ID},
            "schedules": _of_the_project(self.schedules),
            "alarms": _of_the_project(self.alarms),
            "dashboards": _of_the_project(self.dashboards),
            "log groups": _of_the_project(self.log_groups),
            "pipelines": self.pipelines,
            "versions": set(self.versions),
            "groups": set(self.groups),
            "buckets": set(self.buckets),
            "images": set(self.images),
            "key": {self.key_state},
        }
        return {kind: found for kind, found in mine.items() if found}

    def of_others(self) -> str:
        """Return everything of another project, as one text to compare."""
        return json.dumps([sorted(_others(each)) for each in (
            self.endpoints, self.configs, self.models, self.alarms, self.dashboards, self.log_groups,
        )])  # fmt: skip


def _beginning(names: set[str], prefix: str) -> list[str]:
    return sorted(name for name in names if name.startswith(prefix))


def _of_the_project(names: set[str]) -> set[str]:
    return {name for name in names if ID in name}


def _others(names: Any) -> Iterator[str]:
    return (name for name in names if "other" in name)
