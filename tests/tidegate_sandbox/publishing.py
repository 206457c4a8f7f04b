"""Publishes products to a sandbox, for the tests of what is launched from them."""

import json
import uuid

NAME_RULE = "A project name has 1 to 32 letters, digits and hyphens."
TEMPLATE = {
    "Parameters": {
        "SageMakerProjectName": {
            "Type": "String",
            "AllowedPattern": "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$",
            "MaxLength": 32,
            "ConstraintDescription": NAME_RULE,
        },
        "SageMakerProjectId": {"Type": "String"},
    },
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "SageMakerProjectId"}}}},
    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
}
ASSOCIATION = "AWS::ServiceCatalog::PortfolioProductAssociation"
BROKEN = TEMPLATE | {
    "Resources": {"Held": {"Type": ASSOCIATION, "Properties": {"PortfolioId": "none", "ProductId": "none"}}},
    "Outputs": {},
}


class Publisher:
    """Publishes products to a sandbox, each with a launch role of its own."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.catalog = sandbox.client("servicecatalog")

    def template(self, template):
        bucket = f"templates-{uuid.uuid4().hex[:8]}"
        s3 = self.sandbox.client("s3")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.sandbox.region})
        s3.put_object(Bucket=bucket, Key="a/product.json", Body=json.dumps(template).encode())
        return f"https://{bucket}.s3.{self.sandbox.region}.amazonaws.com/a/product.json"

    def role(self, service="servicecatalog"):
        name = f"launch-{uuid.uuid4().hex[:8]}"
        who = {"Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **who}]}
        made = self.sandbox.client("iam").create_role(
            RoleName=name, Path="/tidegate/", AssumeRolePolicyDocument=json.dumps(trust)
        )
        return made["Role"]["Arn"]

    def stack(self, role, *versions):
        """Return the template of a stack that publishes a product of these versions."""
        ids = {"PortfolioId": {"Ref": "Portfolio"}, "ProductId": {"Ref": "Product"}}
        named = [{"Name": name, "Info": {"LoadTemplateFromURL": url}} for name, url in versions]
        resources = {
            "Portfolio": ("Portfolio", {"DisplayName": "Tidegate", "ProviderName": "platform"}),
            "Product": (
                "CloudFormationProduct",
                {
                    "Name": "Guarded releases",
                    "Owner": "platform",
                    "ProvisioningArtifactParameters": named,
                    "Tags": [{"Key": "sagemaker:studio-visibility", "Value": "true"}],
                },
            ),
            "Held": ("PortfolioProductAssociation", ids),
            "Constraint": ("LaunchRoleConstraint", {**ids, "RoleArn": role}),
            "Studio": (
                "PortfolioPrincipalAssociation",
                {
                    "PortfolioId": ids["PortfolioId"],
                    "PrincipalARN": "arn:aws:iam::111122223333:role/studio",
                    "PrincipalType": "IAM",
                },
            ),
        }
        return {
            "Resources": {
                name: {
                    "Type": f"AWS::ServiceCatalog::{kind}",
                    "Properties": properties,
                    **({"DependsOn": "Held"} if name == "Constraint" else {}),
                }
                for name, (kind, properties) in resources.items()
            },
            "Outputs": {
                **{name: {"Value": {"Ref": name}} for name in ("Portfolio", "Product", "Constraint")},
                "Versions": {"Value": {"Fn::GetAtt": ["Product", "ProvisioningArtifactIds"]}},
            },
        }

    def publish(self, template=TEMPLATE, role=None):
        """Publish a product by CloudFormation; return its stack's name and outputs."""
        name = f"publish-{uuid.uuid4().hex[:8]}"
        cloudformation = self.sandbox.client("cloudformation")
        body = self.stack(role or self.role(), ("1.0.0", self.template(template)))
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body))
        return name, self.outputs(name, "stack_create_complete")

    def outputs(self, name, waiter):
        cloudformation = self.sandbox.client("cloudformation")
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def launch(self, product, name=None, **parameters):
        given = {"SageMakerProjectName": "demo", "SageMakerProjectId": f"p-{uuid.uuid4().hex[:12]}"} | parameters
        return self.catalog.provision_product(
            ProductId=product,
            ProvisionedProductName=name or f"launch-{uuid.uuid4().hex[:8]}",
            ProvisioningParameters=[{"Key": key, "Value": value} for key, value in given.items()],
        )["RecordDetail"]

    def finished(self, record, eventually):
        def done():
            answer = self.catalog.describe_record(Id=record["RecordId"])
            return answer if answer["RecordDetail"]["Status"] in ("SUCCEEDED", "FAILED") else None

        return eventually(done)
