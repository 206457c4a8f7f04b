"""What a stage becomes: a CloudFormation template, its configuration, and the record of the release."""

import json
from typing import Any, Final

from tidegate.alarms import rollback_alarms
from tidegate.guardrails import least_waits, of_release, shifts, to_deployment_config
from tidegate.registry import ModelPackage
from tidegate.render.document import check, parse
from tidegate.render.environment import render_template, template_name
from tidegate.render.release import ReleaseRecord, release_file, release_id
from tidegate.stage import Repo, Stage

TEMPLATE: Final = "endpoint.yaml.j2"

# Stands where the release id will, while the template is rendered for what the id is a hash of.
_NO_RELEASE: Final = "0" * 16


def render_stage(repo: Repo, stage: Stage, package: ModelPackage) -> dict[str, str]:
    """Return the files of a release by name: `{stage}.template.yaml`, `.config.json` and `.release.json`.

    Equal input gives equal bytes. Nothing is written; see `write_files`.

    Raises TidegateError for a template that is broken, a value that CloudFormation would not keep, or a strategy that
    does not fit the fleet.
    """
    endpoint_name = repo.endpoint_name(stage)
    alarms = rollback_alarms(stage.release.rollback_on, endpoint_name=endpoint_name, variant=repo.variant)
    guardrails = of_release(stage.release, (alarm.name for alarm in alarms))
    shifts(guardrails, stage.instances.count)
    deployment_config = to_deployment_config(guardrails)
    values: dict[str, Any] = {
        "description": f"The endpoint {endpoint_name} and what takes a bad release of it back",
        "project": {"name": repo.project.name, "id": repo.project.id},
        "stage": stage.name,
        "account": stage.account,
        "region": stage.region,
        "bucket": stage.bucket,
        "endpoint_name": endpoint_name,
        "variant": repo.variant,
        "execution_role": stage.execution_role,
        "kms_key": stage.kms_key,
        "environment": dict(sorted(stage.environment.items())),
        "instances": {"type": stage.instances.type, "count": stage.instances.count},
        "capture": stage.capture
        and {
            "sampling": stage.capture.sampling,
            "destination": f"s3://{stage.bucket}/data-capture/{stage.name}",
        },
        "alarms": alarms,
        "deployment_config": deployment_config,
        "model_package": {"arn": package.arn, "version": package.version},
    }
    template = template_name(TEMPLATE, repo.root)
    draft = parse(render_template(TEMPLATE, values | {"release_id": _NO_RELEASE}, repo.root), template)
    asked_for = release_id(draft, package.arn)
    text = render_template(TEMPLATE, values | {"release_id": asked_for}, repo.root)
    check(
        parse(text, template),
        template,
        endpoint_name=endpoint_name,
        release_id=asked_for,
        alarms=set(guardrails.alarms),
    )
    record = ReleaseRecord(
        release_id=asked_for,
        stage=stage.name,
        account=stage.account,
        region=stage.region,
        endpoint_name=endpoint_name,
        stack_name=repo.stack_name(stage),
        variant=repo.variant,
        model_package_group=stage.model_package_group,
        model_package_arn=package.arn,
        model_package_version=package.version,
        alarms=guardrails.alarms,
        deployment_config=deployment_config,
        waits=least_waits(guardrails, stage.instances.count),
        maximum_execution_timeout=int(stage.release.maximum_execution_timeout.total_seconds()),
    )
    return {
        f"{stage.name}.template.yaml": text,
        f"{stage.name}.config.json": _json(_configuration(repo, stage, package)),
        release_file(stage.name): _json(record.model_dump(mode="json")),
    }


def _configuration(repo: Repo, stage: Stage, package: ModelPackage) -> dict[str, Any]:
    """Return the template configuration file of CodePipeline's CloudFormation action.

    The tags of `sagemaker:` are those by which Studio shows an endpoint among its project's.
    """
    tags = {
        "sagemaker:project-name": repo.project.name,
        "sagemaker:project-id": repo.project.id,
        "sagemaker:deployment-stage": stage.name,
    }
    return {"Parameters": {"ModelPackageArn": package.arn}, "Tags": dict(sorted({**stage.tags, **tags}.items()))}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
