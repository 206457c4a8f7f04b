"""Declining a test: the challenger that is on the live endpoint is rejected, and the pipeline takes the test away."""

from dataclasses import dataclass

from tidegate.registry import Live, LiveVariant, RegistryClient, reject


@dataclass(frozen=True, slots=True)
class Declined:
    """What came of it, as a sentence. `rejected` is False where there was nothing to decline."""

    rejected: bool
    sentence: str


def challenger_of(live: Live | None, variant: str) -> LiveVariant | None:
    """Return the variant under test beside the production variant `variant`, None where no test is in place."""
    return next((each for each in live.variants if each.name != variant), None) if live else None


def decline(client: RegistryClient, live: Live | None, endpoint_name: str, variant: str, reason: str) -> Declined:
    """Reject the version under test. Asked again, or without a test, it does nothing and says so.

    `client` is one of the region that the challenger's package is in.
    """
    challenger = challenger_of(live, variant)
    if challenger is None:
        return Declined(False, f"there is nothing to decline: no test is in place at {endpoint_name}")
    champion = live.production(variant) if live else None
    if not challenger.model_package_arn:
        return Declined(False, f"variant {challenger.name} of {endpoint_name} came from no model package")
    if champion and champion.model_package_arn == challenger.model_package_arn:
        return Declined(
            False,
            f"{endpoint_name} has version {challenger.version} on both sides of its test, so it is not rejected",
        )
    if not reject(client, challenger.model_package_arn, f"declined after its test: {reason}"):
        return Declined(False, f"version {challenger.version} was rejected already")
    return Declined(True, f"rejected version {challenger.version}, which {endpoint_name} has as {challenger.name}")
