"""Lambda functions: inline, each with a role and a log group of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from service_catalog.names import ProjectNames
from service_catalog.policy import Statement, allow, arn, sub, trust
from service_catalog.project.builds import add_log_group
from service_catalog.project.roles import add_role
from service_catalog.project.scope import OWN_ACCOUNT

SOURCE_MAX_CHARACTERS = 4096
TIMEOUT_SECONDS = 60


def add_function(
    stack: cdk.Stack,
    names: ProjectNames,
    purpose: str,
    source: Path,
    *,
    does: str,
    statements: Sequence[Statement],
    environment: Mapping[str, str] | None = None,
) -> lambda_.CfnFunction:
    """Add the function `sagemaker-{id}-{purpose}`, whose code is the file `source`.

    Raises ValueError if the file is longer than a function in a template may be.
    """
    code = source.read_text(encoding="utf-8")
    if len(code) > SOURCE_MAX_CHARACTERS:
        raise ValueError(
            f"{source.name} has {len(code)} characters; a function in a template may have {SOURCE_MAX_CHARACTERS}"
        )
    logical_id = purpose.title().replace("-", "")
    log_name = names.function_log_group(purpose)
    log = add_log_group(stack, f"{logical_id}Log", log_name)
    log_writing = allow(["logs:CreateLogStream", "logs:PutLogEvents"], on=[arn("logs", f"log-group:{log_name}:*")])
    role = add_role(stack, names, purpose, trust("lambda", OWN_ACCOUNT), [log_writing, *statements])
    return lambda_.CfnFunction(
        stack,
        f"{logical_id}Function",
        function_name=sub(names.resource(purpose)),
        description=does,
        runtime="python3.14",
        handler="index.handler",
        code=lambda_.CfnFunction.CodeProperty(zip_file=code),
        role=role.attr_arn,
        timeout=TIMEOUT_SECONDS,
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)) if environment else None,
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log.ref),
    )
