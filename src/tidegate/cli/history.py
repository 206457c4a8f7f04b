"""`tidegate history`."""

from functools import partial
from pathlib import Path

from tidegate.cli.console import say, say_json
from tidegate.cli.options import JsonOption, RepoOption, StageArgument
from tidegate.stage import load_repo


def history(stage: StageArgument, repo: RepoOption = Path(), as_json: JsonOption = False) -> None:
    """Say which version was live when, as far as AWS still tells, and what each statement rests on."""
    loaded = load_repo(repo)
    chosen = loaded.stage(stage)

    from tidegate.aws import client
    from tidegate.registry import describe, group_region
    from tidegate.retained import find_retained, history_document, read_history

    group = chosen.model_package_group
    role = loaded.look_role(chosen)
    sagemaker, cloudformation = client("sagemaker", chosen.region, role), client("cloudformation", chosen.region, role)
    registry = client("sagemaker", group_region(group, chosen.region))
    stack = loaded.stack_name(chosen)
    retained = find_retained(sagemaker, cloudformation, loaded.endpoint_name(chosen), stack)
    found = read_history(sagemaker, cloudformation, retained, stack, stage, partial(describe, registry))
    if as_json:
        say_json(history_document(found))
        return
    for update in found.updates:
        version = f"version {update.version}" if update.version is not None else "a version that nothing tells any more"
        why = f": {update.reason}" if update.reason else ""
        say(f"{update.at:%Y-%m-%d %H:%M:%S}Z  {update.standing:11}  {version} ({update.config_name}){why}")
    if found.goes_back_to:
        say(f"nothing is known of what was before {found.goes_back_to:%Y-%m-%d %H:%M:%S}Z")
    say("serves: by the endpoint; served, rolled back: as verify or the registry recorded it;")
    say("deployed, failed: as CloudFormation recorded it, which does not prove what served; created: no more is known")
