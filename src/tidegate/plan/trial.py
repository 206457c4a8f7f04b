"""What a test in production before a release means: who is compared with whom, for how long, at what cost."""

from collections.abc import Mapping

from tidegate.plan.cost import price_of
from tidegate.plan.model import TestPlan, Version
from tidegate.plan.situation import Situation
from tidegate.registry import LiveVariant
from tidegate.render.values import trial_instances, trial_percent
from tidegate.stage import Price, Repo, Shadow, Stage


def plan_test(
    repo: Repo, stage: Stage, asked: Version | None, situation: Situation, price: Price | None
) -> TestPlan | None:
    """Return the stage's test, None where it has none."""
    if stage.test is None:
        return None
    kind = stage.test.kind
    serving = situation.live.production(repo.variant) if situation.live else None
    meant = {"approved": asked, "live": None if serving is None else _of_variant(serving)}
    champion, challenger = _version(stage.test.champion, meant), _version(stage.test.challenger, meant)
    because = _not_due(situation, serving, champion, challenger)
    duration = int(kind.duration.total_seconds())
    instances = trial_instances(stage, kind)
    return TestPlan(
        kind="shadow" if isinstance(kind, Shadow) else "ab",
        variant=kind.variant,
        champion=champion,
        challenger=challenger,
        percent=trial_percent(kind),
        duration=duration,
        instance_count=instances,
        due=not because,
        because=because,
        cost=price_of(price, instances * duration),
    )


def _not_due(
    situation: Situation, serving: LiveVariant | None, champion: Version | None, challenger: Version | None
) -> str:
    if situation.unread:
        return ""
    if situation.live is None or not situation.live.serves:
        return "there is no endpoint to test on, so the release goes straight out"
    if serving is None:
        return "the variant that serves has another name, so there is no champion"
    if champion is None:
        return "what serves came from no model package, so there is no champion"
    if challenger is not None and champion.number == challenger.number:
        return f"{challenger} is what serves, so there is nothing to compare it with"
    return ""


def _version(word: str, meant: Mapping[str, Version | None]) -> Version | None:
    return Version(int(word), "") if word.isdecimal() else meant[word]


def _of_variant(serving: LiveVariant) -> Version | None:
    return Version(serving.version, serving.model_package_arn) if serving.model_package_arn else None
