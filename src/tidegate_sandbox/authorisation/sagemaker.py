"""SageMaker. Its List calls, but for ListTags, take no restriction here ("SageMaker AI API Permissions")."""

from collections.abc import Iterable, Mapping

from tidegate_sandbox.authorisation.table import ANY, Table


def _tags_of(arn: str) -> Iterable[Mapping[str, str]]:
    from tidegate_sandbox.services import tags  # which registers operations, whose service asks for this table

    return tags.tags_of(arn)


_ENDPOINT = ("endpoint/{EndpointName}", "endpoint-config/{EndpointConfigName}")
_EXECUTION = ("{PipelineExecutionArn}",)
_PACKAGES = ("model-package-group/{ModelPackageGroupName}",)

TABLE = Table(
    namespace="sagemaker",
    passed_to="sagemaker.amazonaws.com",
    resources={
        "AddTags": ("{ResourceArn}",),
        "CreateEndpoint": _ENDPOINT,
        "CreateEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "CreateModel": ("model/{ModelName}",),
        "CreateModelPackage": (*_PACKAGES, "model-package/{ModelPackageGroupName}/*"),
        "CreateModelPackageGroup": _PACKAGES,
        "CreatePipeline": ("pipeline/{PipelineName}",),
        "CreateProcessingJob": ("processing-job/{ProcessingJobName}",),
        "CreateProject": ("project/{ProjectName}",),
        "CreateTrainingJob": ("training-job/{TrainingJobName}",),
        "DeleteEndpoint": ("endpoint/{EndpointName}",),
        "DeleteEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "DeleteModel": ("model/{ModelName}",),
        "DeleteModelPackage": ("model-package/{ModelPackageName}",),
        "DeleteModelPackageGroup": _PACKAGES,
        "DeletePipeline": ("pipeline/{PipelineName}",),
        "DeleteProject": ("project/{ProjectName}",),
        "DeleteTags": ("{ResourceArn}",),
        "DescribeEndpoint": ("endpoint/{EndpointName}",),
        "DescribeEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "DescribeModel": ("model/{ModelName}",),
        "DescribeModelPackage": ("model-package/{ModelPackageName}",),
        "DescribeModelPackageGroup": _PACKAGES,
        "DescribePipeline": ("pipeline/{PipelineName}",),
        "DescribePipelineDefinitionForExecution": _EXECUTION,
        "DescribePipelineExecution": _EXECUTION,
        "DescribeProcessingJob": ("processing-job/{ProcessingJobName}",),
        "DescribeProject": ("project/{ProjectName}",),
        "DescribeTrainingJob": ("training-job/{TrainingJobName}",),
        "ListEndpointConfigs": ANY,
        "ListEndpoints": ANY,
        "ListModelPackageGroups": ANY,
        "ListModelPackages": ANY,
        "ListModels": ANY,
        "ListMonitoringSchedules": ANY,
        "ListPipelineExecutionSteps": ANY,
        "ListPipelineExecutions": ANY,
        "ListPipelineParametersForExecution": ANY,
        "ListPipelines": ANY,
        "ListProcessingJobs": ANY,
        "ListProjects": ANY,
        "ListTags": ("{ResourceArn}",),
        "ListTrainingJobs": ANY,
        "StartPipelineExecution": ("pipeline/{PipelineName}",),
        "StopPipelineExecution": _EXECUTION,
        "StopProcessingJob": ("processing-job/{ProcessingJobName}",),
        "StopTrainingJob": ("training-job/{TrainingJobName}",),
        "UpdateEndpoint": _ENDPOINT,
        "UpdateEndpointWeightsAndCapacities": ("endpoint/{EndpointName}",),
        "UpdateModelPackage": ("{ModelPackageArn}",),
        "UpdatePipeline": ("pipeline/{PipelineName}",),
        "UpdateProject": ("project/{ProjectName}",),
    },
    roles=("RoleArn", "ExecutionRoleArn"),
    tagging=("sagemaker:AddTags", "sagemaker:TaggingAction"),
    lower_case=True,
    tags_of=_tags_of,
)
