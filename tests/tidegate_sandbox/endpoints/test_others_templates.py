"""A project in the idioms of the templates that AWS's samples have: published, launched, released by its pipeline."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from publishing import Publisher
from workshop import BUCKET, IMAGE

from tidegate_sandbox import hooks

ROLE = "arn:aws:iam::111122223333:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
SERVICES = ("codebuild", "codepipeline", "cloudformation", "events", "sagemaker")

PROJECT = """
Parameters:
  SageMakerProjectName: {Type: String, MinLength: 1, MaxLength: 32}
  SageMakerProjectId: {Type: String}
Resources:
  Artifacts:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties: {BucketName: !Sub "sagemaker-project-${SageMakerProjectId}"}
  Versions:
    Type: AWS::SageMaker::ModelPackageGroup
    Properties: {ModelPackageGroupName: !Sub "${SageMakerProjectName}-${SageMakerProjectId}"}
  Code:
    Type: AWS::CodeCommit::Repository
    Properties:
      RepositoryName: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-modeldeploy"
      Code: {S3: {Bucket: SEED_BUCKET, Key: seed.zip}, BranchName: main}
  Build:
    Type: AWS::CodeBuild::Project
    Properties:
      Name: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-modeldeploy"
      ServiceRole: !Join [":", [arn, !Ref "AWS::Partition", "iam:", !Ref "AWS::AccountId", ROLE_NAME]]
      Artifacts: {Type: CODEPIPELINE}
      Source: {Type: CODEPIPELINE, BuildSpec: buildspec.yml}
      TimeoutInMinutes: 30
      Environment:
        Type: LINUX_CONTAINER
        ComputeType: BUILD_GENERAL1_SMALL
        Image: aws/codebuild/amazonlinux2-x86_64-standard:3.0
        EnvironmentVariables:
          - {Name: PROJECT, Value: !Ref SageMakerProjectName}
          - {Name: EXPORTED_TEMPLATE, Value: exported.yml}
          - {Name: EXPORTED_CONFIG, Value: exported.json}
  Approved:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-model"
      State: ENABLED
      EventPattern:
        source: [aws.sagemaker]
        detail-type: [SageMaker Model Package State Change]
        detail:
          ModelPackageGroupName: [!Sub "${SageMakerProjectName}-${SageMakerProjectId}"]
          ModelApprovalStatus: [{anything-but: PendingManualApproval}]
      Targets:
        - Arn: !Join [":", [arn, !Ref "AWS::Partition", codepipeline, !Ref "AWS::Region", !Ref "AWS::AccountId",
                            !Ref Pipeline]]
          RoleArn: !Join [":", [arn, !Ref "AWS::Partition", "iam:", !Ref "AWS::AccountId", ROLE_NAME]]
          Id: !Sub "sagemaker-${SageMakerProjectName}-trigger"
  Pipeline:
    Type: AWS::CodePipeline::Pipeline
    DependsOn: Artifacts
    Properties:
      Name: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-modeldeploy"
      RoleArn: !Join [":", [arn, !Ref "AWS::Partition", "iam:", !Ref "AWS::AccountId", ROLE_NAME]]
      ArtifactStore: {Type: S3, Location: !Ref Artifacts}
      Stages:
        - Name: Source
          Actions:
            - Name: Code
              ActionTypeId: {Category: Source, Owner: AWS, Provider: CodeCommit, Version: 1}
              Configuration: {PollForSourceChanges: false, RepositoryName: !GetAtt Code.Name, BranchName: main}
              OutputArtifacts: [{Name: Source}]
        - Name: Build
          Actions:
            - Name: Templates
              ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: 1}
              InputArtifacts: [{Name: Source}]
              OutputArtifacts: [{Name: Built}]
              Configuration: {ProjectName: !Ref Build}
        - Name: Deploy
          Actions:
            - Name: Prepare
              RunOrder: 1
              ActionTypeId: {Category: Deploy, Owner: AWS, Provider: CloudFormation, Version: 1}
              InputArtifacts: [{Name: Built}]
              Configuration:
                ActionMode: CHANGE_SET_REPLACE
                ChangeSetName: release
                Capabilities: CAPABILITY_NAMED_IAM
                RoleArn: !Join [":", [arn, !Ref "AWS::Partition", "iam:", !Ref "AWS::AccountId", ROLE_NAME]]
                StackName: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-staging"
                TemplatePath: Built::exported.yml
                TemplateConfiguration: Built::exported.json
            - Name: Execute
              RunOrder: 2
              ActionTypeId: {Category: Deploy, Owner: AWS, Provider: CloudFormation, Version: 1}
              Configuration:
                ActionMode: CHANGE_SET_EXECUTE
                ChangeSetName: release
                StackName: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-staging"
"""

ENDPOINT = """
Parameters:
  Name: {Type: String}
  Stage: {Type: String}
  Count: {Type: Number, MinValue: 1}
  Capture: {Type: String, Default: true, AllowedValues: [true, false]}
Conditions: {IsWatched: !Equals [!Ref Stage, staging]}
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Condition: IsWatched
    Properties:
      AlarmName: !Sub "${Name}-errors"
      Namespace: AWS/SageMaker
      MetricName: Invocation5XXErrors
      Statistic: Sum
      Period: '60'
      EvaluationPeriods: '1'
      Threshold: '1'
      ComparisonOperator: GreaterThanOrEqualToThreshold
      Dimensions: [{Name: EndpointName, Value: !Ref Name}, {Name: VariantName, Value: AllTraffic}]
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      PrimaryContainer: {Image: IMAGE, ModelDataUrl: DATA, Environment: {VERSION: v1}}
      ExecutionRoleArn: ROLE
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: AllTraffic, ModelName: !GetAtt Model.ModelName, InitialInstanceCount: !Ref Count,
           InstanceType: ml.m5.large, InitialVariantWeight: 1.0}
      DataCaptureConfig:
        EnableCapture: !Ref Capture
        InitialSamplingPercentage: 100
        DestinationS3Uri: !Sub "s3://CAPTURED/${Name}"
        CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointName: !Ref Name
      EndpointConfigName: !GetAtt Config.EndpointConfigName
      DeploymentConfig: !If
        - IsWatched
        - BlueGreenUpdatePolicy:
            TrafficRoutingConfiguration: {Type: ALL_AT_ONCE, WaitIntervalInSeconds: 60}
          AutoRollbackConfiguration: {Alarms: [{AlarmName: !Ref Errors}]}
        - !Ref AWS::NoValue
"""
BUILDSPEC = """
version: 0.2
phases:
  install: {runtime-versions: {python: 3.8}}
  build:
    commands:
      - cp endpoint.yml $EXPORTED_TEMPLATE
      - sed "s/PROJECT/$PROJECT/" config.json > $EXPORTED_CONFIG
artifacts: {files: [$EXPORTED_TEMPLATE, $EXPORTED_CONFIG]}
"""


def test_a_project_in_the_idioms_of_others_launches_and_releases(
    endpoint_sandbox: Any, eventually: Callable[..., Any]
) -> None:
    sagemaker, iam, s3 = (endpoint_sandbox.client(service) for service in ("sagemaker", "iam", "s3"))
    name = f"others-{uuid.uuid4().hex[:6]}"
    principals = [f"{service}.amazonaws.com" for service in SERVICES]
    trust = {"Effect": "Allow", "Principal": {"Service": principals}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName=ROLE.rpartition("/")[2],
        Path="/service-role/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    packed = io.BytesIO()
    parameters = {"Name": "PROJECT", "Stage": "staging", "Count": "2"}
    endpoint = ENDPOINT.replace("IMAGE", IMAGE).replace("DATA", f"s3://{BUCKET}/model.tar.gz").replace("ROLE", ROLE)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("buildspec.yml", BUILDSPEC)
        archive.writestr("endpoint.yml", endpoint.replace("CAPTURED", BUCKET))
        archive.writestr("config.json", json.dumps({"Parameters": parameters, "Tags": {"stage": "staging"}}))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": endpoint_sandbox.region})
    s3.put_object(Bucket=name, Key="seed.zip", Body=packed.getvalue())
    text = PROJECT.replace("SEED_BUCKET", name).replace("ROLE_NAME", ROLE.split(":")[5])
    publisher = Publisher(endpoint_sandbox)
    _, outputs = publisher.publish(hooks.parse_template(text))

    sagemaker.create_project(ProjectName=name, ServiceCatalogProvisioningDetails={"ProductId": outputs["Product"]})

    def launched() -> Any:
        project = sagemaker.describe_project(ProjectName=name)
        return project["ProjectStatus"] not in ("Pending", "CreateInProgress") and project

    project = eventually(launched)
    assert project["ProjectStatus"] == "CreateCompleted", project
    group = f"{name}-{project['ProjectId']}"
    pipelines, pipeline = endpoint_sandbox.client("codepipeline"), f"sagemaker-{group}-modeldeploy"

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pipelines.list_pipeline_executions(pipelineName=pipeline)[
            "pipelineExecutionSummaries"
        ]
        return found if all(each["status"] != "InProgress" for each in found) else []

    (first,) = eventually(runs)
    assert first["status"] == "Succeeded", pipelines.list_action_executions(pipelineName=pipeline)
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    answer = endpoint_sandbox.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=b"1,2"
    )
    assert answer["Body"].read() == b"v1:1,2"

    version = sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    eventually(lambda: len(runs()) == 2)
    assert {each["status"] for each in runs()} == {"Succeeded"}
