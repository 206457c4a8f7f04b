"""When SageMaker ignores guardrails without a word: it then updates all at once, with no bake and no way back.

Source: developer guide, "Exclusions" of deployment guardrails. What becomes of a rolling update that is excluded is
not said there in so many words; it is taken to be the same.
"""

from collections.abc import Collection

from tidegate.guardrails.strategy import Guardrails, Rolling
from tidegate.stage import limits


def ignored_because(
    guardrails: Guardrails,
    old_variants: Collection[str],
    new_variants: Collection[str],
    *,
    instance_types: Collection[str] = (),
    marketplace: bool = False,
    serverless: bool = False,
) -> str | None:
    """Return why an update would ignore `guardrails`, as a part of a sentence, or None where it heeds them.

    `old_variants` and `new_variants` are the names of the endpoint's variants before and after, production and shadow;
    `instance_types` those of both. `marketplace`: a variant runs a container or model package of AWS Marketplace;
    `serverless`: a variant has no instances. Guardrails that ask for nothing cannot be ignored.
    """
    if guardrails.ask_for_nothing:
        return None
    before, after = sorted(set(old_variants)), sorted(set(new_variants))
    if before != after:
        return f"the variants' names change from {', '.join(before)} to {', '.join(after)}"
    excluded = sorted(kind for kind in set(instance_types) if kind.startswith(limits.INF1_FAMILY))
    if excluded:
        return f"{', '.join(excluded)} is an Inf1 instance type"
    if marketplace:
        return "a container comes from AWS Marketplace"
    if isinstance(guardrails.strategy, Rolling):
        if serverless:
            return "a rolling update needs instances, and a variant is serverless"
        if len(after) > 1:
            return f"a rolling update takes one variant, and there are {len(after)}: {', '.join(after)}"
    return None
