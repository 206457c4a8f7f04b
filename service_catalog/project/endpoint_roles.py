"""What the roles that release may do, and the one that serves.

Where CloudFormation makes something, its schema of the resource type (`handlers`) says what that calls.
"""

from service_catalog.policy import Statement, allow, allow_on_any, arn, equals, iam_arn, passed_to, unless_other
from service_catalog.project.network import look_at_networks
from service_catalog.project.scope import LISTS, PROJECT_TAG, Project, Scope
from service_catalog.project.sharing import PULL

# Verify writes one tag, and only on an endpoint config: how the release of it ended.
OUTCOME_TAG = "tidegate:outcome"
AUTOSCALING = "sagemaker.application-autoscaling.amazonaws.com"
NO_RESOURCE = "it takes no restriction by resource"
# The account that publishes AWS's own images differs by region; their names do not.
AWS_IMAGES = "arn:${AWS::Partition}:ecr:${AWS::Region}:*:repository/sagemaker-*"


def render(project: Project) -> list[Statement]:
    """Read registry, endpoints and alarms; put what was planned beside the artefacts."""
    return [
        project.write_build_log("render"),
        *project.use_artefacts(),
        *project.assume("look"),
        # What started the run that it is in.
        allow(["codepipeline:GetPipelineExecution"], on=[arn("codepipeline", project.names.pipeline("deploy"))]),
        *_plan(project),
    ]


def verify(project: Project) -> list[Statement]:
    """Follow a release, say how it ended, stamp its version, and remove what is neither live nor last good."""
    return [
        project.write_build_log("verify"),
        *project.use_artefacts(),
        project.versions("DescribeModelPackage", "UpdateModelPackage"),
        *look(project),
        *project.assume("look"),
        allow(["codepipeline:ListActionExecutions"], on=[arn("codepipeline", project.names.pipeline("deploy"))]),
    ]


def look(scope: Scope) -> list[Statement]:
    """Do what following a release takes where the endpoint is: render and decline need a part of it, verify all."""
    outcome_only = {
        "ForAllValues:StringEquals": {"aws:TagKeys": [OUTCOME_TAG]},
        # A condition on all of no values is met.
        "Null": {"aws:TagKeys": "false"},
        **equals(f"aws:ResourceTag/{PROJECT_TAG}", scope.id),
    }
    return [
        *scope.look_at_endpoints(),
        allow_on_any(["sagemaker:ListEndpointConfigs"], because=LISTS),
        scope.endpoints("InvokeEndpoint"),
        scope.sagemaker(["AddTags"], "endpoint-config/*", when=outcome_only),
        scope.owned("endpoint-config", "DeleteEndpointConfig"),
        scope.owned("model", "DeleteModel"),
        # Whose a model is, is looked at before it is removed.
        scope.not_anothers("model", "ListTags"),
        allow(
            ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"],
            on=[arn("cloudwatch", "alarm:*")],
        ),
        allow(
            [
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
            ],
            on=[arn("cloudformation", f"stack/{scope.names.resource('*')}/*")],
        ),
    ]


def review(project: Project) -> list[Statement]:
    """Look at registry, endpoints and alarms, and comment: what is built has not been looked at by anybody."""
    return [
        project.write_build_log("review"),
        project.build_without_artefacts(),
        *project.repositories.clone(["deploy"]),
        *project.repositories.comment("deploy"),
        *_plan(project),
    ]


def _plan(project: Project) -> list[Statement]:
    return [
        project.versions("DescribeModelPackage"),
        *project.look_at_endpoints(),
        allow_on_any(["sagemaker:ListModelPackages"], because=LISTS),
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        # What an instance costs is asked of one region, whichever the endpoint is in.
        allow_on_any(["pricing:GetProducts"], because=f"the price list is the same for everybody, and {NO_RESOURCE}"),
    ]


def decline(project: Project) -> list[Statement]:
    """Find the challenger on a live endpoint, and set that version to Rejected."""
    return [
        project.write_build_log("decline"),
        project.build_without_artefacts(),
        *project.repositories.clone(["deploy"]),
        *project.look_at_endpoints(),
        *project.assume("look"),
        project.versions("DescribeModelPackage", "UpdateModelPackage"),
    ]


def run_stacks(scope: Scope) -> Statement:
    """Create and update the endpoint stacks, as CodePipeline's action does."""
    return allow(
        [
            "cloudformation:CreateStack",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "cloudformation:UpdateStack",
        ],
        on=[arn("cloudformation", f"stack/{scope.names.resource('*')}/*")],
    )


def cloudformation(project: Scope) -> list[Statement]:
    """Make, change and delete what an endpoint's stack holds."""
    return [
        *_replace(project, "model", "Model"),
        *_replace(project, "endpoint-config", "EndpointConfig"),
        # An endpoint is created and updated on the authority of its endpoint config too.
        project.not_anothers("endpoint-config", "CreateEndpoint", "UpdateEndpoint"),
        project.endpoints(
            "AddTags",
            "CreateEndpoint",
            "DeleteEndpoint",
            "DeleteTags",
            "DescribeEndpoint",
            "ListTags",
            "UpdateEndpoint",
        ),
        # A model made from a version is created on the authority of that version too, as the policies that share
        # versions between accounts show.
        project.versions("CreateModel", "DescribeModelPackage"),
        *project.encrypt_volumes(),
        allow(["kms:DescribeKey"], on=[project.key]),
        # Those that autoscaling makes to follow a target are named after the endpoint as well.
        allow(
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            on=[arn("cloudwatch", f"alarm:*-{project.id}-*")],
        ),
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        _dashboards(project),
        *_autoscaling(project),
        *_monitoring(project),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
    ]


def _replace(project: Scope, kind: str, name: str) -> list[Statement]:
    """Create, tag and delete resources of a kind that CloudFormation names, in this project only."""
    return [
        project.owned(kind, f"Create{name}", tag="aws:RequestTag"),
        # Tags given at creation come before there is a tag to know the resource by.
        project.sagemaker(
            ["AddTags"], f"{kind}/*", when={"StringEquals": {"sagemaker:TaggingAction": f"Create{name}"}}
        ),
        project.owned(kind, "AddTags", f"Delete{name}", "DeleteTags"),
        # CloudFormation reads back what it has only just created.
        project.not_anothers(kind, f"Describe{name}", "ListTags"),
    ]


def _dashboards(project: Scope) -> Statement:
    return allow(
        [
            "cloudwatch:DeleteDashboards",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutDashboard",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
        # A dashboard's ARN has no region.
        on=[f"arn:${{AWS::Partition}}:cloudwatch::${{AWS::AccountId}}:dashboard/*-{project.id}-*"],
    )


def _autoscaling(project: Scope) -> list[Statement]:
    # A scalable target is known by an id that Application Auto Scaling makes up.
    targets = [arn("application-autoscaling", "scalable-target/*")]
    service = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    not_anothers = unless_other(f"aws:ResourceTag/{PROJECT_TAG}", project.id)
    return [
        allow(
            [
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:RegisterScalableTarget",
            ],
            on=targets,
            when={**service, **not_anothers},
        ),
        allow(
            [
                "application-autoscaling:ListTagsForResource",
                "application-autoscaling:TagResource",
                "application-autoscaling:UntagResource",
            ],
            on=targets,
            when=not_anothers,
        ),
        allow_on_any(
            [
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
                "cloudwatch:GetMetricData",
            ],
            because=f"CloudFormation calls it for a scalable target or a scaling policy, and {NO_RESOURCE}",
        ),
        # Who registers a variant has to be able to change its instances (Application Auto Scaling's guide).
        project.endpoints("UpdateEndpointWeightsAndCapacities"),
        allow(
            ["iam:CreateServiceLinkedRole"],
            on=[iam_arn(service_linked_role())],
            when={"StringEquals": {"iam:AWSServiceName": AUTOSCALING}},
        ),
    ]


def service_linked_role() -> str:
    """Return the IAM resource that is the role with which Application Auto Scaling changes endpoints.

    The first scalable target of an account's endpoints brings it into being.
    """
    return f"role/aws-service-role/{AUTOSCALING}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


MONITORS_METRICS = "aws/sagemaker/Endpoints/*"
"""What Model Monitor publishes metrics under, with no slash (SageMaker developer guide, "Model quality metrics
and Amazon CloudWatch monitoring")."""


def _monitoring(project: Scope) -> list[Statement]:
    definitions = [
        statement
        for kind in ("data-quality", "model-quality")
        for statement in _replace(project, f"{kind}-job-definition", f"{kind.title().replace('-', '')}JobDefinition")
    ]
    schedules = project.sagemaker(
        [
            "AddTags",
            "CreateMonitoringSchedule",
            "DeleteMonitoringSchedule",
            "DeleteTags",
            "DescribeMonitoringSchedule",
            "ListTags",
            "UpdateMonitoringSchedule",
        ],
        f"monitoring-schedule/*-{project.id}-*",
    )
    return [*definitions, schedules]


def execution(project: Project) -> list[Statement]:
    """Run the jobs of the model's pipeline and of its monitors, register versions, and serve them."""
    return [
        *project.use_bucket(),
        *project.encrypt_volumes(),
        _run_jobs(project, "processing-job", "ProcessingJob"),
        _run_jobs(project, "training-job", "TrainingJob"),
        project.group("CreateModelPackage", "DescribeModelPackageGroup"),
        project.versions("AddTags", "CreateModelPackage", "DescribeModelPackage"),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
        # Registering a version looks its image's digest up.
        allow(["ecr:DescribeImages"], on=[AWS_IMAGES, project.images()]),
        *serve(project),
    ]


def serve(scope: Scope) -> list[Statement]:
    """Do what a container of SageMaker needs besides data: its image, its log and metrics, its place in a network."""
    return [
        allow(PULL, on=[AWS_IMAGES, scope.images()]),
        allow_on_any(["ecr:GetAuthorizationToken"], because="a registry login has no resource"),
        allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            on=[arn("logs", "log-group:/aws/sagemaker/*")],
        ),
        allow_on_any(
            ["cloudwatch:PutMetricData"],
            because="metrics have no resource that IAM can name; the namespace is the bound",
            when={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker", MONITORS_METRICS]}},
        ),
        # Auto-rollback reads its alarms with the execution role.
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        *_be_in_a_network(),
    ]


def _run_jobs(project: Project, kind: str, name: str) -> Statement:
    """Run jobs as SageMaker Pipelines names them: `pipelines-{execution}-{step}-{random}`."""
    return project.sagemaker(
        ["AddTags", f"Create{name}", f"Describe{name}", "ListTags", f"Stop{name}"], f"{kind}/pipelines-*"
    )


def _be_in_a_network() -> list[Statement]:
    """Let containers be in the subnets that a stage file names, by network interfaces of their own.

    SageMaker developer guide, "Give SageMaker AI hosted endpoints access to resources in your Amazon VPC".
    """
    interfaces = arn("ec2", "network-interface/*")
    others = [arn("ec2", "subnet/*"), arn("ec2", "security-group/*")]
    return [
        allow(["ec2:CreateNetworkInterface"], on=[interfaces, *others]),
        allow(
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            on=[interfaces],
        ),
        look_at_networks(),
    ]
