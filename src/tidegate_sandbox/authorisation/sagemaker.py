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
        "CreateDataQualityJobDefinition": ("data-quality-job-definition/{JobDefinitionName}",),
        "CreateEndpoint": _ENDPOINT,
        "CreateEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "CreateModel": ("model/{ModelName}",),
        "CreateModelPackage": (*_PACKAGES, "model-package/{ModelPackageGroupName}/*"),
        "CreateModelPackageGroup": _PACKAGES,
        "CreateModelQualityJobDefinition": ("model-quality-job-definition/{JobDefinitionName}",),
        "CreateMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "CreatePipeline": ("pipeline/{PipelineName}",),
        "CreateProcessingJob": ("processing-job/{ProcessingJobName}",),
        "CreateProject": ("project/{ProjectName}",),
        "CreateTrainingJob": ("training-job/{TrainingJobName}",),
        "DeleteDataQualityJobDefinition": ("data-quality-job-definition/{JobDefinitionName}",),
        "DeleteEndpoint": ("endpoint/{EndpointName}",),
        "DeleteEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "DeleteModel": ("model/{ModelName}",),
        "DeleteModelPackage": ("model-package/{ModelPackageName}",),
        "DeleteModelPackageGroup": _PACKAGES,
        "DeleteModelQualityJobDefinition": ("model-quality-job-definition/{JobDefinitionName}",),
        "DeleteMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "DeletePipeline": ("pipeline/{PipelineName}",),
        "DeleteProject": ("project/{ProjectName}",),
        "DeleteTags": ("{ResourceArn}",),
        "DescribeDataQualityJobDefinition": ("data-quality-job-definition/{JobDefinitionName}",),
        "DescribeDomain": ("domain/{DomainId}",),
        "DescribeEndpoint": ("endpoint/{EndpointName}",),
        "DescribeEndpointConfig": ("endpoint-config/{EndpointConfigName}",),
        "DescribeModel": ("model/{ModelName}",),
        "DescribeModelPackage": ("model-package/{ModelPackageName}",),
        "DescribeModelPackageGroup": _PACKAGES,
        "DescribeModelQualityJobDefinition": ("model-quality-job-definition/{JobDefinitionName}",),
        "DescribeMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "DescribePipeline": ("pipeline/{PipelineName}",),
        "DescribePipelineDefinitionForExecution": _EXECUTION,
        "DescribePipelineExecution": _EXECUTION,
        "DescribeProcessingJob": ("processing-job/{ProcessingJobName}",),
        "DescribeProject": ("project/{ProjectName}",),
        "DescribeTrainingJob": ("training-job/{TrainingJobName}",),
        "DisableSagemakerServicecatalogPortfolio": ANY,
        "EnableSagemakerServicecatalogPortfolio": ANY,
        "GetSagemakerServicecatalogPortfolioStatus": ANY,
        "ListDataQualityJobDefinitions": ANY,
        "ListDomains": ANY,
        "ListEndpointConfigs": ANY,
        "ListEndpoints": ANY,
        "ListModelPackageGroups": ANY,
        "ListModelPackages": ANY,
        "ListModelQualityJobDefinitions": ANY,
        "ListModels": ANY,
        "ListMonitoringExecutions": ANY,
        "ListMonitoringSchedules": ANY,
        "ListPipelineExecutionSteps": ANY,
        "ListPipelineExecutions": ANY,
        "ListPipelineParametersForExecution": ANY,
        "ListPipelines": ANY,
        "ListProcessingJobs": ANY,
        "ListProjects": ANY,
        "ListTags": ("{ResourceArn}",),
        "ListTrainingJobs": ANY,
        "RetryPipelineExecution": _EXECUTION,
        "StartMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "StartPipelineExecution": ("pipeline/{PipelineName}",),
        "StopMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "StopPipelineExecution": _EXECUTION,
        "StopProcessingJob": ("processing-job/{ProcessingJobName}",),
        "StopTrainingJob": ("training-job/{TrainingJobName}",),
        "UpdateEndpoint": _ENDPOINT,
        "UpdateEndpointWeightsAndCapacities": ("endpoint/{EndpointName}",),
        "UpdateModelPackage": ("{ModelPackageArn}",),
        "UpdateMonitoringSchedule": ("monitoring-schedule/{MonitoringScheduleName}",),
        "UpdatePipeline": ("pipeline/{PipelineName}",),
        "UpdatePipelineExecution": _EXECUTION,
        "UpdateProject": ("project/{ProjectName}",),
    },
    roles=("RoleArn", "ExecutionRoleArn"),
    tagging=("sagemaker:AddTags", "sagemaker:TaggingAction"),
    lower_case=True,
    tags_of=_tags_of,
    # ModelArn, and what is for file systems, serverless variants and notebooks, is not told.
    keys={
        "sagemaker:InstanceTypes": (
            "ProductionVariants[].InstanceType",
            "ShadowProductionVariants[].InstanceType",
            "ResourceConfig.InstanceType",
            "ProcessingResources.ClusterConfig.InstanceType",
            "JobResources.ClusterConfig.InstanceType",
        ),
        "sagemaker:InterContainerTrafficEncryption": (
            "EnableInterContainerTrafficEncryption",
            "NetworkConfig.EnableInterContainerTrafficEncryption",
        ),
        "sagemaker:MaxRuntimeInSeconds": ("StoppingCondition.MaxRuntimeInSeconds",),
        "sagemaker:ModelApprovalStatus": ("ModelApprovalStatus",),
        "sagemaker:NetworkIsolation": ("EnableNetworkIsolation", "NetworkConfig.EnableNetworkIsolation"),
        "sagemaker:OutputKmsKey": ("OutputDataConfig.KmsKeyId", "ProcessingOutputConfig.KmsKeyId"),
        "sagemaker:VolumeKmsKey": (
            "KmsKeyId",
            "ResourceConfig.VolumeKmsKeyId",
            "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
            "JobResources.ClusterConfig.VolumeKmsKeyId",
        ),
        "sagemaker:VpcSecurityGroupIds": (
            "VpcConfig.SecurityGroupIds[]",
            "NetworkConfig.VpcConfig.SecurityGroupIds[]",
        ),
        "sagemaker:VpcSubnets": ("VpcConfig.Subnets[]", "NetworkConfig.VpcConfig.Subnets[]"),
    },
)
