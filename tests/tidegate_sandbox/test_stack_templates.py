"""A stack is refused what AWS refuses: what its template refers to and has not, and what its types have not."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from tidegate_sandbox import hooks
from tidegate_sandbox.cloudformation import properties, references
from tidegate_sandbox.hooks import templates as template_hooks

SERVICES = Path(properties.__file__).parents[1] / "services"
NO_SCHEMA = {"AWS::CloudFormation::CustomResource", "AWS::CloudFormation::StackSet::Instance"}


def types() -> set[str]:
    """Return the name of every type that ministack has, and of every one that a service names."""
    named = {name for file in SERVICES.rglob("*.py") for name in re.findall(r'"(AWS::\w+::\w+)"', file.read_text())}
    return ({*template_hooks.stock_types()} | named) - NO_SCHEMA


def compact(schema: Any) -> Any:
    if "$ref" in schema:
        return {"$ref": schema["$ref"].rpartition("/")[2]}
    if "items" in schema:
        return {"items": compact(schema["items"])}
    if schema.get("properties") and not schema.get("patternProperties"):
        found: dict[str, Any] = {"properties": {name: compact(each) for name, each in schema["properties"].items()}}
        if schema.get("required"):
            found["required"] = sorted(schema["required"])
        if schema.get("additionalProperties") is not False:
            found["open"] = True
        return found
    return {}


def schema_of(kind: str) -> Any:
    """Return the line of schemas.json: what the schema of a type, as cfn-lint has it, says of names."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    found = compact(schema)
    for path in schema.get("readOnlyProperties", []):
        found["properties"].pop(path.removeprefix("/properties/"), None)
    if "definitions" in schema:
        found["definitions"] = {name: compact(each) for name, each in schema["definitions"].items()}
    return found


def written() -> str:
    """Return schemas.json as it has to be."""
    lines = []
    for kind in sorted(types()):
        try:
            found = json.dumps(schema_of(kind), separators=(",", ":"), sort_keys=True)
        except ResourceNotFoundError:
            continue
        lines.append(f"{json.dumps(kind)}: {found}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def test_what_is_kept_is_what_the_schemas_say():
    kept = (Path(properties.__file__).parent / "schemas.json").read_text("utf-8")
    assert kept == written(), "write it anew: python -m tests.tidegate_sandbox.test_stack_templates"


def test_every_type_that_is_served_has_a_schema():
    assert types() - set(properties.schemas()) == set()


# ---------------------------------------------------------------- one resource
ENDPOINT = "AWS::SageMaker::Endpoint"
ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"EndpointConfigName": "c", "DeploymentConfig": ALARMS}, []),
        ({"EndpointConfigName": "c", "Colour": 1}, ["#: extraneous key [Colour] is not permitted"]),
        ({}, ["#: required key [EndpointConfigName] not found"]),
        (
            {"EndpointConfigName": "c", "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"Name": "a"}]}}},
            [
                "#/DeploymentConfig/AutoRollbackConfiguration/Alarms/0: required key [AlarmName] not found",
                "#/DeploymentConfig/AutoRollbackConfiguration/Alarms/0: extraneous key [Name] is not permitted",
            ],
        ),
        (
            {"EndpointConfigName": "c", "Tags": {"Key": "k", "Value": "v"}},
            ["#/Tags: expected type: JSONArray, found: JSONObject"],
        ),
        (
            {"EndpointConfigName": "c", "DeploymentConfig": "canary"},
            ["#/DeploymentConfig: expected type: JSONObject, found: String"],
        ),
        ({"EndpointConfigName": "c", "EndpointArn": "arn"}, ["#: extraneous key [EndpointArn] is not permitted"]),
    ],
)
def test_properties_are_held_to_the_schema_of_their_type(given, said):
    assert properties.problems(ENDPOINT, given) == said


def test_a_custom_resource_takes_any_property():
    assert properties.problems("Custom::Anything", {"Colour": 1}) == []


# ---------------------------------------------------------------- a template
GOOD = """
Parameters: {Size: {Type: String}, Kind: {Type: String, Default: a}}
Conditions: {Large: !Equals [!Ref Size, large], Small: !Not [{Condition: Large}]}
Mappings: {M: {a: {b: c}}}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Condition: Large}
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Topic
    Properties:
      QueueName: !Sub "${Kind}-${AWS::Region}-${!Literal}"
      KmsMasterKeyId: !If [Large, !Ref Topic, !Ref AWS::NoValue]
      Tags: [{Key: k, Value: !Sub ["${Own}", {Own: !GetAtt Other.Arn}]}]
  Other: {Type: "AWS::SQS::Queue"}
Outputs: {Topic: {Condition: Large, Value: !Ref Topic}, Other: {Value: !GetAtt Other.Arn}}
"""


def parsed(text: str) -> dict[str, Any]:
    return hooks.parse_template(text)


@pytest.mark.parametrize("large", [True, False])
def test_a_template_that_refers_to_what_it_has_is_taken(large):
    assert references.problem(parsed(GOOD), {"Large": large, "Small": not large}) is None


RESOURCE = "Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: %s}}}"
UNRESOLVED = "Template format error: Unresolved resource dependencies [%s] in the %s block of the template"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RESOURCE % "!Ref Nothing", UNRESOLVED % ("Nothing", "Resources")),
        (RESOURCE % "!Sub '${Nothing}'", UNRESOLVED % ("Nothing", "Resources")),
        (RESOURCE % "!Ref AWS::Nothing", UNRESOLVED % ("AWS::Nothing", "Resources")),
        (
            RESOURCE % "!GetAtt Nothing.Arn",
            "Template error: instance of Fn::GetAtt references undefined resource Nothing",
        ),
        (
            RESOURCE % "!Sub '${Nothing.Arn}'",
            "Template error: instance of Fn::Sub references invalid resource attribute Nothing.Arn",
        ),
        (RESOURCE % "!If [Large, a, b]", "Template error: unresolved condition dependency Large in Fn::If"),
        (RESOURCE % "{'Fn::Upper': a}", "Template error: Encountered unsupported function: Fn::Upper"),
        (RESOURCE % "q" + "\nOutputs: {O: {Value: !Ref Nothing}}", UNRESOLVED % ("Nothing", "Outputs")),
        (
            RESOURCE % "q" + "\nConditions: {C: !Equals [!Ref Q, a]}",
            "Template format error: Unresolved dependencies [Q]. "
            "Cannot reference resources in the Conditions block of the template",
        ),
        (
            "Resources: {Q: {Type: 'AWS::SQS::Queue', DependsOn: [Nothing]}}",
            UNRESOLVED % ("Nothing", "Resources"),
        ),
        (
            "Resources: {Q: {Type: 'AWS::SQS::Queue', Condition: Large}}",
            "Template format error: Unresolved condition dependency Large in the Resources block of the template",
        ),
        ("Resources: {Q: {Type: 'AWS::SQS::Queue', Tags: []}}", "Invalid template resource property 'Tags'"),
        (
            "Resources: {Q: {Properties: {}}}",
            "Template format error: [/Resources/Q] Every Resources object must contain a Type member.",
        ),
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        (
            RESOURCE % "q" + "\nParameters: {P: {Default: a}}",
            "Template format error: [/Parameters/P] Every Parameters object must contain a Type member.",
        ),
        (
            RESOURCE % "q" + "\nResourcs: {}",
            "Template format error: Invalid template property or properties [Resourcs]",
        ),
        (
            RESOURCE % "q" + "\nAWSTemplateFormatVersion: 2011-01-01",
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (RESOURCE % "q" + "\nTransform: [Mine]", "No transform named Mine found."),
        (
            RESOURCE % "q" + "\nTransform: AWS::Serverless-2016-10-31",
            "Transform AWS::Serverless-2016-10-31 is not in the local simulation",
        ),
        (
            "Resources: {Q: {Type: 'AWS::SQS::Queue', DeletionPolicy: Keep}}",
            "Template error: Unrecognized DeletionPolicy Keep for resource Q",
        ),
        (
            RESOURCE % "q" + "\nParameters: {P: {Type: Text}}",
            "Template format error: Unrecognized parameter type: Text",
        ),
    ],
)
def test_a_template_that_refers_to_nothing_is_refused(text, said):
    assert references.problem(parsed(text)) == said


CIRCLE = """
Parameters: {P: {Type: List<AWS::EC2::Subnet::Id>}, Q: {Type: 'AWS::SSM::Parameter::Value<String>'}}
Conditions: {C: !Equals [!Ref Q, a]}
Resources:
  A: {Type: 'AWS::SQS::Queue', DependsOn: B, DeletionPolicy: RetainExceptOnCreate}
  B: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !If [C, !GetAtt A.Arn, b]}}
  D: {Type: 'AWS::SQS::Queue', Condition: C, Properties: {QueueName: !Ref D}}
"""


def test_resources_that_wait_for_each_other_are_refused():
    assert references.problem(parsed(CIRCLE), {"C": False}) is None
    assert references.problem(parsed(CIRCLE), {"C": True}) == "Circular dependency between resources: [A, B]"
    alone = parsed(CIRCLE)
    del alone["Resources"]["A"], alone["Resources"]["B"]
    assert references.problem(alone, {"C": True}) == "Circular dependency between resources: [D]"


def test_what_refers_to_a_resource_whose_condition_is_false_is_refused():
    template = parsed(GOOD.replace("{Value: !GetAtt Other.Arn}", "{Value: !Ref Topic}"))
    assert references.problem(template, {"Large": True, "Small": False}) is None
    assert references.problem(template, {"Large": False, "Small": True}) == UNRESOLVED % ("Topic", "Outputs")


# ---------------------------------------------------------------- CloudFormation itself
@pytest.fixture
def stacks(sandbox):
    return sandbox.client("cloudformation")


@pytest.fixture
def name():
    return f"stack-templates-{uuid.uuid4().hex[:8]}"


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_every_way_to_a_stack_refuses_an_undefined_reference_and_makes_nothing(stacks, name):
    body, said = RESOURCE % "!Ref Nothing", ("ValidationError", UNRESOLVED % ("Nothing", "Resources"))
    assert refused(stacks.validate_template, TemplateBody=body) == said
    assert refused(stacks.create_stack, StackName=name, TemplateBody=body) == said
    change = {"StackName": name, "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": body}
    assert refused(stacks.create_change_set, **change) == said
    assert "does not exist" in refused(stacks.describe_stacks, StackName=name)[1]


def test_an_export_is_of_one_stack(stacks, eventually, name):
    body = RESOURCE % "!Ref AWS::StackName" + f"\nOutputs: {{O: {{Value: a, Export: {{Name: {name}}}}}}}"

    def made(stack):
        stacks.create_stack(StackName=stack, TemplateBody=body)
        return settled(stacks, eventually, stack)["StackStatus"]

    assert made(f"{name}-one") == "CREATE_COMPLETE"
    assert made(f"{name}-two") == "ROLLBACK_COMPLETE"
    assert f"Export with name {name} is already exported by stack {name}-one." in failures(stacks, f"{name}-two")


def test_notices_that_nobody_would_get_are_refused(stacks, name):
    given = {"StackName": name, "TemplateBody": RESOURCE % "q", "NotificationARNs": ["arn:aws:sns:::nobody"]}
    assert refused(stacks.create_stack, **given)[1].startswith(
        "cloudformation:CreateStack with NotificationARNs is not"
    )


def test_parameters_that_a_template_lacks_or_that_nobody_gave_are_refused(stacks, name):
    body = "Parameters: {P: {Type: String}}\n" + RESOURCE % "!Ref P"
    given = [{"ParameterKey": "Q", "ParameterValue": "1"}]
    assert refused(stacks.create_stack, StackName=name, TemplateBody=body, Parameters=given)[1] == (
        "Parameters: [Q] do not exist in the template"
    )
    assert refused(stacks.create_stack, StackName=name, TemplateBody=body)[1] == "Parameters: [P] must have values"


def test_a_boolean_that_a_parameter_may_have_is_its_text(stacks, eventually, name):
    body = "Parameters: {P: {Type: String, Default: true, AllowedValues: [true, false]}}\n"
    body += RESOURCE % "!Sub '${AWS::StackName}-${P}'" + "\nOutputs: {P: {Value: !Ref P}}"
    stacks.create_stack(StackName=name, TemplateBody=body)
    assert settled(stacks, eventually, name)["Outputs"][0]["OutputValue"] == "true"
    given = [{"ParameterKey": "P", "ParameterValue": "False"}]
    assert (
        "not in AllowedValues" in refused(stacks.update_stack, StackName=name, TemplateBody=body, Parameters=given)[1]
    )


def test_capabilities_are_asked_for_as_what_is_made_needs_them(stacks, name):
    def asked(properties, **more):
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}} | properties}
        body = json.dumps({"Resources": {"Role": role}} | more)
        return refused(stacks.create_stack, StackName=name, TemplateBody=body)

    code = "InsufficientCapabilitiesException"
    assert asked({}) == (code, "Requires capabilities : [CAPABILITY_IAM]")
    assert asked({"RoleName": name}) == (code, "Requires capabilities : [CAPABILITY_NAMED_IAM]")
    both = "Requires capabilities : [CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]"
    assert asked({}, Transform="AWS::LanguageExtensions") == (code, both)


def settled(stacks, eventually, name):
    def look():
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
        return not stack["StackStatus"].endswith("IN_PROGRESS") and stack

    return eventually(look)


def failures(stacks, name):
    events = stacks.describe_stack_events(StackName=name)["StackEvents"]
    return [each["ResourceStatusReason"] for each in events if each["ResourceStatus"].endswith("_FAILED")]


def test_a_property_that_its_type_has_not_fails_the_resource_when_made_and_when_changed(stacks, eventually, name):
    def body(**more):
        return json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **more}}}})

    said = "Properties validation failed for resource Q with message: [#: extraneous key [Colour] is not permitted]"
    stacks.create_stack(StackName=f"{name}-bad", TemplateBody=body(Colour="red"))
    assert settled(stacks, eventually, f"{name}-bad")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in failures(stacks, f"{name}-bad")

    stacks.create_stack(StackName=name, TemplateBody=body())
    assert settled(stacks, eventually, name)["StackStatus"] == "CREATE_COMPLETE"
    stacks.update_stack(StackName=name, TemplateBody=body(Colour="red"))
    assert settled(stacks, eventually, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert said in failures(stacks, name)


def test_an_attribute_that_a_resource_does_not_have_fails_the_stack(stacks, eventually, name):
    body = RESOURCE % "q" + "\nOutputs: {O: {Value: !GetAtt Q.Colour}}"
    stacks.create_stack(StackName=name, TemplateBody=body)
    assert settled(stacks, eventually, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = json.dumps(stacks.describe_stack_events(StackName=name)["StackEvents"], default=str)
    assert "Requested attribute Colour does not exist in schema" in events


def test_the_template_of_a_nested_stack_is_held_to_the_same(sandbox, stacks, eventually, name):
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    s3.put_object(Bucket=name, Key="child.yaml", Body=(RESOURCE % "!Ref Nothing").encode())
    url = f"https://{name}.s3.{sandbox.region}.amazonaws.com/child.yaml"
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    stacks.create_stack(StackName=name, TemplateBody=yaml.safe_dump({"Resources": {"Child": child}}))
    assert settled(stacks, eventually, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Unresolved resource dependencies [Nothing]" in each for each in failures(stacks, name))


ANSWERING = """
import cfnresponse
def handler(event, context):
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Colour": event["ResourceProperties"]["Colour"]}, "a-colour")
"""


def test_a_function_that_a_template_has_inline_finds_the_module_that_answers(sandbox, stacks, eventually, name):
    role = sandbox.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )["Role"]["Arn"]
    code = {"Runtime": "python3.12", "Handler": "index.handler", "Role": role, "Code": {"ZipFile": ANSWERING}}
    asked = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 30, "Colour": "red"}
    template = {
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": code},
            "Colour": {"Type": "Custom::Colour", "Properties": asked},
        },
        "Outputs": {"Colour": {"Value": {"Fn::GetAtt": ["Colour", "Colour"]}}, "Id": {"Value": {"Ref": "Colour"}}},
    }
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    stack = settled(stacks, eventually, name)
    told = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert told == {"Colour": "red", "Id": "a-colour"}


if __name__ == "__main__":
    (Path(properties.__file__).parent / "schemas.json").write_text(written(), "utf-8")
