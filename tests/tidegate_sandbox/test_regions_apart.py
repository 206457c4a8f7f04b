"""Two regions of one account: what is of a region is not in the other, what is of the account is in both."""

import io
import json
import subprocess
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

REGIONS = ("eu-west-1", "us-east-1")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
SPEC = "version: 0.2\nphases: {build: {commands: ['echo \"$AWS_REGION $AWS_DEFAULT_REGION\" > where.txt']}}\n"
SPEC += "artifacts: {files: [where.txt]}\n"


def template(name: str, role: str) -> str:
    """A small project: a repository with a first commit, a pipeline that builds it, a group and what hears of it."""
    source = {"Category": "Source", "Owner": "AWS", "Provider": "CodeCommit", "Version": "1"}
    build = {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1"}
    repository = {"RepositoryName": {"Fn::GetAtt": ["Code", "Name"]}, "BranchName": "main"}
    stages = [
        {
            "Name": "Source",
            "Actions": [
                {
                    "Name": "Code",
                    "ActionTypeId": source,
                    "Configuration": {**repository, "PollForSourceChanges": False},
                    "OutputArtifacts": [{"Name": "Code"}],
                }
            ],
        },
        {
            "Name": "Build",
            "Actions": [
                {
                    "Name": "Build",
                    "ActionTypeId": build,
                    "Configuration": {"ProjectName": {"Ref": "Build"}},
                    "InputArtifacts": [{"Name": "Code"}],
                    "OutputArtifacts": [{"Name": "Built"}],
                }
            ],
        },
    ]
    pattern = {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [name]}}
    resources = {
        "Code": {
            "Type": "AWS::CodeCommit::Repository",
            "Properties": {"RepositoryName": name, "Code": {"S3": {"Bucket": name, "Key": "seed.zip"}}},
        },
        "Build": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Name": name,
                "ServiceRole": role,
                "Source": {"Type": "CODEPIPELINE"},
                "Artifacts": {"Type": "CODEPIPELINE"},
                "Environment": {
                    "Type": "LINUX_CONTAINER",
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                },
            },
        },
        "Pipeline": {
            "Type": "AWS::CodePipeline::Pipeline",
            "Properties": {
                "Name": name,
                "RoleArn": role,
                "ArtifactStore": {"Type": "S3", "Location": name},
                "Stages": stages,
            },
        },
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": name,
                "EventPattern": pattern,
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
    }
    return json.dumps({"Resources": resources, "Outputs": {"Region": {"Value": {"Ref": "AWS::Region"}}}})


@pytest.fixture(scope="module")
def two(sandbox, eventually):
    """The same stack in both regions of an account, its name and a way to a client of a region."""
    name = f"two-{uuid.uuid4().hex[:8]}"

    def client(service, region):
        return sandbox.client(service, region=region)

    role = client("iam", REGIONS[0]).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    s3 = client("s3", REGIONS[0])
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGIONS[0]})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("buildspec.yml", SPEC)
    s3.put_object(Bucket=name, Key="seed.zip", Body=packed.getvalue())
    for region in REGIONS:
        stacks = client("cloudformation", region)
        stacks.create_stack(StackName=name, TemplateBody=template(name, role["Role"]["Arn"]))

        def made(stacks=stacks):
            stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
            return not stack["StackStatus"].endswith("IN_PROGRESS") and stack

        stack = eventually(made)
        assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName=name)["StackEvents"]
        assert stack["Outputs"][0]["OutputValue"] == region
        assert f":{region}:" in stack["StackId"]
    return name, client


def test_the_same_names_in_two_regions_do_not_meet(two, eventually):
    name, client = two
    for region in REGIONS:
        made = client("sagemaker", region).create_model_package(ModelPackageGroupName=name)["ModelPackageArn"]
        assert f":{region}:" in made
        assert made.endswith("/1")
        queue = client("sqs", region).get_queue_url(QueueName=name)["QueueUrl"]

        def heard(queue=queue, region=region):
            return client("sqs", region).receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages")

        (message,) = eventually(heard)
        event = json.loads(message["Body"])
        assert (event["region"], event["detail"]["ModelPackageArn"]) == (region, made)


def test_a_pipeline_and_its_builds_are_in_their_region(two, sandbox, eventually):
    name, client = two
    for region in REGIONS:
        pipelines = client("codepipeline", region)

        def ended(pipelines=pipelines):
            (run,) = pipelines.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
            return run["status"] not in ("InProgress",) and run

        assert eventually(ended)["status"] == "Succeeded"
        actions = pipelines.list_action_executions(pipelineName=name)["actionExecutionDetails"]
        (built,) = (each for each in actions if each["actionName"] == "Build")
        (output,) = built["output"]["outputArtifacts"]
        where = output["s3location"]
        body = client("s3", region).get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
        assert zipfile.ZipFile(io.BytesIO(body)).read("where.txt").decode() == f"{region} {region}\n"
        (run,) = client("codebuild", region).list_builds_for_project(projectName=name)["ids"]
        assert f":{region}:" in client("codebuild", region).batch_get_builds(ids=[run])["builds"][0]["arn"]


def test_git_finds_the_repository_of_each_region(two, tmp_path):
    name, client = two
    commits = set()
    for region in REGIONS:
        repository = client("codecommit", region).get_repository(repositoryName=name)["repositoryMetadata"]
        folder = tmp_path / region
        subprocess.run(["git", "clone", "-q", repository["cloneUrlHttp"], folder], check=True)
        head = ["git", "-C", folder, "-c", "user.name=d", "-c", "user.email=d@example.com"]
        subprocess.run([*head, "commit", "-q", "--allow-empty", "-m", region], check=True)
        subprocess.run([*head, "push", "-q", "origin", "main"], check=True)
        tip = client("codecommit", region).get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
        said = client("codecommit", region).get_commit(repositoryName=name, commitId=tip)["commit"]["message"]
        assert said == f"{region}\n"
        commits.add(tip)
    assert len(commits) == 2


def test_buckets_and_roles_are_of_the_account(two):
    name, client = two
    for region in REGIONS:
        assert client("s3", region).get_object(Bucket=name, Key="seed.zip")["ContentLength"] > 0
        assert client("iam", region).get_role(RoleName=name)["Role"]["Arn"].endswith(f":role/{name}")
    assert client("s3", REGIONS[1]).head_bucket(Bucket=name)["BucketRegion"] == REGIONS[0]


def test_an_arn_of_elsewhere_is_not_taken_for_what_has_the_same_name_here(two, sandbox):
    name, client = two
    here, elsewhere = (client("sagemaker", region) for region in REGIONS)
    group = here.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    assert here.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupName"] == name
    their = sandbox.client("sagemaker", account="222222222222", region=REGIONS[0])
    their.create_model_package_group(ModelPackageGroupName=name)
    refusals = ((elsewhere, "ValidationException"), (their, "AccessDeniedException"))
    for caller, code in refusals:
        for ask in (caller.describe_model_package_group, caller.list_model_packages):
            with pytest.raises(ClientError, match=code):
                ask(ModelPackageGroupName=group)
        with pytest.raises(ClientError, match="does not exist"):
            caller.delete_model_package_group(ModelPackageGroupName=group)
    assert their.describe_model_package_group(ModelPackageGroupName=name)

    (project,) = client("codebuild", REGIONS[0]).batch_get_projects(names=[name])["projects"]
    builds = client("codebuild", REGIONS[1])
    assert builds.batch_get_projects(names=[project["arn"]])["projectsNotFound"] == [project["arn"]]
    with pytest.raises(ClientError, match=f"Project cannot be found: {project['arn']}"):
        builds.start_build(projectName=project["arn"])


def test_a_group_of_another_account_is_there_for_whom_its_policy_names(two, sandbox):
    name, client = two
    own, theirs = client("sagemaker", REGIONS[0]), "333333333333"
    group = own.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{theirs}:root"},
        "Action": ["sagemaker:DescribeModelPackageGroup"],
        "Resource": group,
    }
    policy = {"ModelPackageGroupPolicy": {"Version": "2012-10-17", "Statement": [statement]}}
    properties = {"ModelPackageGroupName": f"{name}-shared", **policy}
    statement["Resource"] = f"{group}-shared"
    body = {"Resources": {"Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties}}}
    stacks = client("cloudformation", REGIONS[0])
    stacks.create_stack(StackName=f"{name}-shared", TemplateBody=json.dumps(body))
    stacks.get_waiter("stack_create_complete").wait(StackName=f"{name}-shared", WaiterConfig={"Delay": 1})
    caller = sandbox.client("sagemaker", account=theirs, region=REGIONS[0])
    assert caller.describe_model_package_group(ModelPackageGroupName=f"{group}-shared")
    with pytest.raises(ClientError, match="is not authorized to perform: sagemaker:ListModelPackages on resource"):
        caller.list_model_packages(ModelPackageGroupName=f"{group}-shared")
