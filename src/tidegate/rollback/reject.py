"""A rollback by the registry: reject the version that serves, and the pipeline releases the newest one still approved.

The registry's event starts the pipeline, so that a rollback is a release like any other: rendered, guarded, verified.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.errors import TidegateError
from tidegate.registry import LiveVariant, ModelPackage, RegistryClient, describe, newest_first, reject
from tidegate.registry.package import APPROVED, REJECTED
from tidegate.stage import Repo, Stage


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback rejects, in this order, and which version serves then.

    The live version comes last: until then it is what every run of the pipeline chooses, so that the events of the
    others release nothing. `stages` are all that take their version from the same group by its approval.
    """

    live: ModelPackage
    target: ModelPackage
    rejected: tuple[ModelPackage, ...]
    stages: tuple[str, ...]


def plan_rollback(
    client: RegistryClient, repo: Repo, stage: Stage, live: LiveVariant | None, to: int | None = None
) -> RollbackPlan:
    """Say what a rollback of the stage would do. `live` is the production variant that serves.

    Raises TidegateError where nothing serves, nothing is left to go back to, or rejecting would not lead there.
    """
    name, group = repo.endpoint_name(stage), stage.model_package_group
    if stage.version != "approved":
        raise TidegateError(
            f"stage {stage.name} releases `version: {stage.version}`, whatever the registry says: "
            f"change that in stages/{stage.name}.yml, and push"
        )
    if live is None or live.version is None:
        what = "nothing serves" if live is None else "what serves came from no model package"
        raise TidegateError(f"there is nothing to roll back: {what} at {name}")
    versions = newest_first(client, group)
    if live.model_package_arn not in {each.arn for each in versions}:
        raise TidegateError(
            f"{name} serves {live.model_package_arn}, which is not of model package group {group}: rejecting it would "
            "release nothing"
        )
    serving = describe(client, live.model_package_arn)
    others = [each for each in versions if each.arn != serving.arn]
    approved = [each for each in others if each.is_approved]
    target = _target(name, serving, others, approved, to)
    newer = sorted((each for each in approved if each.version > target.version), key=lambda each: each.version)
    return RollbackPlan(
        live=serving,
        target=target,
        rejected=(*newer, *([serving] if serving.approval != REJECTED else [])),
        stages=tuple(
            each.name for each in repo.stages if each.model_package_group == group and each.version == "approved"
        ),
    )


def _target(
    name: str, serving: ModelPackage, others: list[ModelPackage], approved: list[ModelPackage], to: int | None
) -> ModelPackage:
    if not approved:
        raise TidegateError(
            f"there is nothing to roll back to: {name} serves version {serving.version}, which is {serving.standing}, "
            "and no other version is approved. Nothing was rejected; approve a version in the model registry first"
        )
    if to is None:
        newest = approved[0]
        if newest.version > serving.version:
            older = [each for each in approved if each.version < serving.version]
            back = f", --to {older[0].version} to go back, which rejects what is newer too" if older else ""
            raise TidegateError(
                f"version {newest.version} is approved and newer than version {serving.version}, which {name} serves: "
                f"rejecting the latter would release it. Give --to {newest.version} to go forward{back}"
            )
        return newest
    if to == serving.version:
        raise TidegateError(f"version {to} is what {name} serves")
    found = next((each for each in others if each.version == to), None)
    if found is None or found not in approved:
        standing = "not in the model registry" if found is None else found.standing
        raise TidegateError(
            f"version {to} is {standing}, so it cannot be released; approved are: "
            + ", ".join(str(each.version) for each in approved)
        )
    return found


def roll_back(client: RegistryClient, plan: RollbackPlan, stage: str, reason: str) -> Iterator[str]:
    """Reject what the plan says, each with the reason; yield a line for each."""
    for package in plan.rejected:
        why = (
            f"rolled back in {stage}"
            if package.arn == plan.live.arn
            else f"to go back to version {plan.target.version}"
        )
        if reject(client, package.arn, f"{why}: {reason}"):
            was = "" if package.approval == APPROVED else f", which was {package.standing}"
            yield f"rejected version {package.version}{was}"
