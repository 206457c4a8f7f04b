"""The log of a function: written with its role, as Lambda does, so made only by one that may."""

import io
import json
import uuid
import zipfile

import pytest


@pytest.mark.parametrize("may_make_it", [True, False])
def test_a_functions_log_group_is_made_only_where_its_role_may(sandbox, may_make_it):
    name, code = f"told-{uuid.uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    print('hello')\n")
    iam, functions, logs = (sandbox.client(each) for each in ("iam", "lambda", "logs"))
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", *(["logs:CreateLogGroup"] if may_make_it else [])]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:logs:*:*:log-group:/aws/lambda/{name}*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="log", PolicyDocument=policy)
    functions.create_function(
        FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=role, Code={"ZipFile": code.getvalue()}
    )

    functions.invoke(FunctionName=name)

    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert len(groups) == may_make_it
