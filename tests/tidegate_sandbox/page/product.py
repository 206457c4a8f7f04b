"""A product of the gallery that is small and whole: a repository, a build, a registry group, a deploy pipeline.

What it deploys is an endpoint of a plain Python model, behind a canary. Its stand-in for a build's own work, making a
SageMaker pipeline, is `teach`.
"""

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

from tests.tidegate_sandbox.endpoints.workshop import BUCKET, IMAGE, ROLE

NAME = "Small and whole"
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Data Scientist",
    "GIT_AUTHOR_EMAIL": "data-scientist@example.invalid",
    "GIT_COMMITTER_NAME": "Data Scientist",
    "GIT_COMMITTER_EMAIL": "data-scientist@example.invalid",
    "NO_PROXY": "127.0.0.1",
}
NAMED = "${SageMakerProjectName}-${SageMakerProjectId}"
BUILDSPEC = {"version": "0.2", "phases": {"build": {"commands": ["echo trained on $SUBJECT", "echo '<b>done</b>'"]}}}
EVALUATION = {"regression_metrics": {"rmse": {"value": 41.25, "standard_deviation": 1.5}}}
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            "WaitIntervalInSeconds": 1200,
        },
        "TerminationWaitInSeconds": 600,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Alarm"}}]},
}


def _action(name: str, category: str, provider: str, **rest: Any) -> dict[str, Any]:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, **rest}


def _pipeline(name: str, *stages: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    source = _action(
        "Source",
        "Source",
        "CodeCommit",
        Configuration={"RepositoryName": {"Fn::Sub": NAMED}, "BranchName": "main", "PollForSourceChanges": "false"},
        OutputArtifacts=[{"Name": "Source"}],
    )
    every = [("Source", source), *stages]
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "DependsOn": ["Repository", "Bucket"],
        "Properties": {
            "Name": {"Fn::Sub": f"{NAMED}-{name}"},
            "PipelineType": "V2",
            "ExecutionMode": "QUEUED",
            "RoleArn": ROLE,
            "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Bucket"}},
            "Stages": [{"Name": stage, "Actions": [action]} for stage, action in every],
        },
    }


def _deploy(stage: str) -> tuple[str, dict[str, Any]]:
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": {"Fn::Sub": f"{NAMED}-{stage.lower()}"},
        "RoleArn": ROLE,
        "TemplatePath": f"Source::{stage.lower()}.json",
    }
    return stage, _action(
        "Deploy", "Deploy", "CloudFormation", Configuration=configuration, InputArtifacts=[{"Name": "Source"}]
    )


TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "SageMakerProjectName": {"Type": "String"},
        "SageMakerProjectId": {"Type": "String"},
        "Subject": {
            "Type": "String",
            "Description": "What the model is about",
            "AllowedPattern": "[a-z]+",
            "ConstraintDescription": "A subject has small letters only.",
        },
        "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
    },
    "Resources": {
        "Repository": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": {"Fn::Sub": NAMED}}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "${SageMakerProjectId}-made"}}},
        "Group": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": {"Fn::Sub": NAMED}},
        },
        "Build": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Name": {"Fn::Sub": f"{NAMED}-build"},
                "ServiceRole": ROLE,
                "Source": {"Type": "CODEPIPELINE", "BuildSpec": json.dumps(BUILDSPEC)},
                "Artifacts": {"Type": "CODEPIPELINE"},
                "Environment": {
                    "Type": "LINUX_CONTAINER",
                    "Image": "any",
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "EnvironmentVariables": [{"Name": "SUBJECT", "Value": {"Ref": "Subject"}}],
                },
            },
        },
        "BuildPipeline": _pipeline(
            "build",
            (
                "Build",
                _action(
                    "Build",
                    "Build",
                    "CodeBuild",
                    Configuration={"ProjectName": {"Ref": "Build"}},
                    InputArtifacts=[{"Name": "Source"}],
                ),
            ),
        ),
        "DeployPipeline": _pipeline(
            "deploy",
            _deploy("Staging"),
            ("Ask", _action("Approve", "Approval", "Manual", Configuration={"CustomData": "To production?"})),
            _deploy("Production"),
        ),
        "OnApproval": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Model Package State Change"],
                    "detail": {
                        "ModelPackageGroupName": [{"Fn::Sub": NAMED}],
                        "ModelApprovalStatus": ["Approved"],
                    },
                },
                "Targets": [
                    {
                        "Id": "deploy",
                        "Arn": {"Fn::Sub": f"arn:aws:codepipeline:${{AWS::Region}}:${{AWS::AccountId}}:{NAMED}-deploy"},
                        "RoleArn": ROLE,
                    }
                ],
            },
        },
    },
    "Outputs": {"Repository": {"Value": {"Fn::GetAtt": ["Repository", "CloneUrlHttp"]}}},
}


def endpoint(name: str, package: str, version: str) -> dict[str, Any]:
    """Return the template of a stage: a model of a package, its configuration, an alarm, the endpoint."""
    config_name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic", "EndpointConfigName": config_name}
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    container = {"ModelPackageName": package, "Environment": {"VERSION": version}}
    return {
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                **kept,
                "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container},
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                **kept,
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "AllTraffic",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InstanceType": "ml.m5.large",
                            "InitialInstanceCount": 4,
                            "InitialVariantWeight": 1.0,
                        }
                    ]
                },
            },
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": f"{name}-errors",
                    "Namespace": "AWS/SageMaker",
                    "MetricName": "Invocation5XXErrors",
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    "Statistic": "Average",
                    "Period": 60,
                    "EvaluationPeriods": 3,
                    "DatapointsToAlarm": 2,
                    "Threshold": 0.01,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "TreatMissingData": "notBreaching",
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {"EndpointName": name, "EndpointConfigName": config_name, "DeploymentConfig": CANARY},
            },
        }
    }


class Product:
    """The product in a sandbox's gallery, and what people do beside the page once it is launched."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        s3, catalog = sandbox.client("s3"), sandbox.client("servicecatalog")
        s3.put_object(Bucket=BUCKET, Key="product.json", Body=json.dumps(TEMPLATE).encode())
        s3.put_object(Bucket=BUCKET, Key="evaluation.json", Body=json.dumps(EVALUATION).encode())
        url = f"https://{BUCKET}.s3.{sandbox.region}.amazonaws.com/product.json"
        made = catalog.create_product(
            Name=NAME,
            Owner="Platform",
            Description="Made for these tests <i>only</i>",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={"Name": "1.0", "Info": {"LoadTemplateFromURL": url}},
            IdempotencyToken=uuid.uuid4().hex,
        )
        self.id = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        portfolio = catalog.create_portfolio(
            DisplayName="Gallery", ProviderName="Platform", IdempotencyToken=uuid.uuid4().hex
        )["PortfolioDetail"]["Id"]
        catalog.associate_product_with_portfolio(ProductId=self.id, PortfolioId=portfolio)

    def push(self, name: str, folder: Path, version: int) -> None:
        """Push to the project's repository the stages of a version that is, or will be, in its registry."""
        package = self.sandbox.arn("sagemaker", f"model-package/{name}/{version}")
        checkout = folder / "checkout"
        if not checkout.exists():
            url = self.sandbox.client("codecommit").get_repository(repositoryName=name)
            _git("clone", "-q", url["repositoryMetadata"]["cloneUrlHttp"], str(checkout), cwd=folder)
        for stage in ("staging", "production"):
            text = json.dumps(endpoint(f"{name}-{stage}", package, f"v{version}"))
            (checkout / f"{stage}.json").write_text(text)
        _git("add", "-A", cwd=checkout)
        _git("commit", "-q", "-m", f"Deploy version {version}", cwd=checkout)
        _git("push", "-q", "origin", "HEAD:main", cwd=checkout)

    def teach(self, name: str) -> None:
        """Make the SageMaker pipeline that registers a version if it is good enough."""
        limit = {"Get": "Parameters.Limit"}
        register = {
            "ModelPackageGroupName": name,
            "ModelPackageDescription": "A model that says its own version",
            "InferenceSpecification": {
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/evaluation.json"}
                }
            },
        }
        condition = {"Type": "LessThanOrEqualTo", "LeftValue": 41.25, "RightValue": limit}
        definition = {
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [{"Name": "Limit", "Type": "Float", "DefaultValue": 50.0}],
            "Steps": [
                {
                    "Name": "GoodEnough",
                    "Type": "Condition",
                    "Arguments": {
                        "Conditions": [condition],
                        "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": register}],
                        "ElseSteps": [{"Name": "TooWeak", "Type": "Fail", "Arguments": {"ErrorMessage": "too weak"}}],
                    },
                }
            ],
        }
        self.sandbox.client("sagemaker").create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=ROLE,
            ClientRequestToken=uuid.uuid4().hex,
        )


def _git(*arguments: str, cwd: Path) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, env={**os.environ, **GIT}, check=True, capture_output=True)
