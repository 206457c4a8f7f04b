"""What an update of a stage becomes: a CloudFormation template, its configuration, and the record of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from tidegate.alarms import rollback_alarms
from tidegate.guardrails import of_release, to_deployment_config, waits
from tidegate.registry import PROJECT_TAG, STAGE_TAG, ModelPackage
from tidegate.render.baselines import NO_BASELINES, Baselines
from tidegate.render.environment import BrokenTemplateError, Templates, templates_of
from tidegate.render.release import (
    RELEASE_ID_LENGTH,
    Phase,
    ReleaseRecord,
    TrialRecord,
    file_name,
    id_of_content,
    id_of_text,
    release_file,
    trial_id,
)
from tidegate.render.values import Challenger, template_values, trial_percent
from tidegate.stage import Repo, Shadow, Stage

TEMPLATE: Final = "endpoint.yaml.j2"
DASHBOARD: Final = "dashboard.json.j2"
MADE_OF: Final = ("model.yaml.j2", "endpoint_config.yaml.j2")
"""The parts that hold what a release is made of."""

# Stands where the release id will, while what the id is a hash of is rendered.
_NO_RELEASE: Final = "0" * RELEASE_ID_LENGTH


@dataclass(frozen=True, slots=True)
class Rendered:
    """One update of a stage: its record, and its files by name."""

    record: ReleaseRecord
    files: Mapping[str, str]


def render_stage(
    repo: Repo,
    stage: Stage,
    package: ModelPackage,
    *,
    baselines: Baselines = NO_BASELINES,
) -> Rendered:
    """Return the release of a version: `{stage}.template.yaml`, `.config.json` and `.release.json`.

    Equal input gives equal bytes. Nothing is written; see `write_files`.

    Raises TidegateError for a template that is broken, a value that CloudFormation would not keep, or a strategy that
    does not fit the fleet.
    """
    return _render(repo, stage, Phase.RELEASE, package, None, baselines)


def render_live(
    repo: Repo,
    stage: Stage,
    champion: ModelPackage,
    *,
    baselines: Baselines = NO_BASELINES,
) -> Rendered:
    """Return the champion alone, `{stage}.live.…`: the end of a test. It is not guarded, for the variants change."""
    return _render(repo, stage, Phase.LIVE, champion, None, baselines)


def render_test(
    repo: Repo,
    stage: Stage,
    champion: ModelPackage,
    challenger: ModelPackage,
    *,
    baselines: Baselines = NO_BASELINES,
) -> Rendered:
    """Return the test of a stage that has one, `{stage}.test.…`: the champion serves, beside it the challenger.

    Raises ValueError for a stage without a test.
    """
    if stage.test is None:
        raise ValueError(f"stage {stage.name} has no test")
    return _render(repo, stage, Phase.TEST, champion, Challenger(challenger, stage.test.kind), baselines)


def _render(
    repo: Repo,
    stage: Stage,
    phase: Phase,
    package: ModelPackage,
    challenger: Challenger | None,
    baselines: Baselines,
) -> Rendered:
    templates = templates_of(repo.root)
    endpoint_name = repo.endpoint_name(stage)
    alarms = rollback_alarms(stage.release.rollback_on, endpoint_name=endpoint_name, variant=repo.variant)
    guardrails = of_release(stage.release, (alarm.name for alarm in alarms))
    guarded = phase is Phase.RELEASE
    deployment_config = to_deployment_config(guardrails) if guarded else {}
    values = template_values(repo, stage, phase, package, challenger, guardrails, alarms, deployment_config, baselines)
    values["dashboard_body"] = _dashboard(templates, values)
    packages = [model["package"] for model in values["models"]]
    release_id = _release_id(templates, values, packages)
    if challenger:
        alone = template_values(repo, stage, Phase.LIVE, package, None, guardrails, alarms, {}, baselines)
        alone["dashboard_body"] = values["dashboard_body"]
        release_id = trial_id(_release_id(templates, alone, packages[:1]), release_id)
    values["release_id"] = release_id
    text = templates.render(TEMPLATE, values)
    if templates.overrides:
        # What is shipped need not be read back, nor a YAML library be imported for it.
        from tidegate.render.document import check, parse

        place = _Places(templates, TEMPLATE, values)
        check(
            parse(text, place),
            text,
            place,
            endpoint_name=endpoint_name,
            variant=repo.variant,
            release_id=release_id,
            guarded=guarded,
            alarms=guardrails.alarms,
        )
    record = ReleaseRecord(
        release_id=release_id,
        phase=phase,
        stage=stage.name,
        account=stage.account,
        look_role=repo.look_role(stage),
        region=stage.region,
        endpoint_name=endpoint_name,
        stack_name=repo.stack_name(stage),
        variant=repo.variant,
        model_package_group=stage.model_package_group,
        model_package_arn=package.arn,
        model_package_version=package.version,
        alarms=guardrails.alarms if guarded else (),
        deployment_config=deployment_config,
        waits=waits(guardrails, stage.instances.count) if guarded else 0,
        maximum_execution_timeout=int(stage.release.maximum_execution_timeout.total_seconds()),
        trial=challenger and _trial(challenger),
    )
    parameters = {model["parameter"]: model["package"] for model in values["models"]}
    files = {
        file_name(stage.name, phase, "template.yaml"): text,
        file_name(stage.name, phase, "config.json"): _json(_configuration(repo, stage, parameters)),
        release_file(stage.name, phase): _json(record),
    }
    return Rendered(record, files)


class _Places:
    """Where each line of a template's output comes from, worked out when it is first asked for."""

    def __init__(self, templates: Templates, name: str, values: Mapping[str, Any]) -> None:
        self._asked = templates, name, values
        self._places: list[str] | None = None

    def __call__(self, line: int) -> str:
        if self._places is None:
            from tidegate.render.origins import origins

            self._places = origins(*self._asked)
        return self._places[min(line, len(self._places)) - 1]


def _release_id(templates: Templates, values: Mapping[str, Any], packages: Sequence[str]) -> str:
    draft = {**values, "release_id": _NO_RELEASE}
    if templates.overrides.isdisjoint({TEMPLATE, *MADE_OF}):
        return id_of_text((templates.render(part, draft) for part in MADE_OF), packages)

    from tidegate.render.document import made_of, parse

    document = parse(templates.render(TEMPLATE, draft), _Places(templates, TEMPLATE, draft))
    return id_of_content(made_of(document), packages)


def _dashboard(templates: Templates, values: Mapping[str, Any]) -> str:
    """Return the dashboard's body on one line; no value of it has a line break."""
    text = templates.render(DASHBOARD, values)
    if DASHBOARD in templates.overrides:
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            place = _Places(templates, DASHBOARD, values)(error.lineno)
            raise BrokenTemplateError(f"{place}: the output is no JSON: {error.msg}, column {error.colno}") from None
    return text.replace("\n", " ").strip()


def _trial(challenger: Challenger) -> TrialRecord:
    trial = challenger.trial
    return TrialRecord(
        kind="shadow" if isinstance(trial, Shadow) else "ab",
        variant=trial.variant,
        model_package_arn=challenger.package.arn,
        model_package_version=challenger.package.version,
        percent=trial_percent(trial),
        duration=int(trial.duration.total_seconds()),
    )


def _configuration(repo: Repo, stage: Stage, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the template configuration file of CodePipeline's CloudFormation action.

    A stage's tags are the stack's, which CloudFormation puts on every resource of it that can have tags: so no template
    repeats them. The tags of `sagemaker:` are those by which Studio shows an endpoint among its project's.
    """
    tags = {
        "sagemaker:project-name": repo.project.name,
        PROJECT_TAG: repo.project.id,
        STAGE_TAG: stage.name,
    }
    return {"Parameters": parameters, "Tags": dict(sorted({**stage.tags, **tags}.items()))}


def _json(value: Any) -> str:
    return to_json(value, indent=2).decode() + "\n"
