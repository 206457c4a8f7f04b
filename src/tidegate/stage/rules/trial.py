"""Rules on a test in production before a release."""

from collections.abc import Iterator

from tidegate.stage import limits
from tidegate.stage.fleet import Capture, Instances
from tidegate.stage.quantities import format_duration
from tidegate.stage.rules.rule import KEY, Finding, Path, rule
from tidegate.stage.trial import ABTest, Shadow, Trial


def _kinds(test: Trial | None) -> Iterator[tuple[Path, Shadow | ABTest]]:
    if test and test.shadow:
        yield ("test", "shadow"), test.shadow
    if test and test.ab:
        yield ("test", "ab"), test.ab


@rule(
    "TG040",
    "A test is one of shadow and ab",
    why="With a shadow SageMaker takes exactly one production variant and one shadow variant, so there is no room "
    "for a challenger that answers. And a test that is neither tests nothing.",
    source="botocore, in the text of CreateEndpointConfig.ShadowProductionVariants: one variant each",
    right="Keep `shadow` or `ab`; test the other way in a later release.",
)
def not_exactly_one(test: Trial | None) -> Iterator[Finding]:
    """Find tests of both kinds, and of neither."""
    if test is None:
        return
    if test.shadow and test.ab:
        yield Finding(
            ("test", "ab", KEY),
            "`ab` stands beside `shadow`, and with a shadow SageMaker takes one production variant only",
            "keep one of the two",
        )
    elif not test.shadow and not test.ab:
        yield Finding(
            ("test", KEY),
            "the test says neither `shadow` nor `ab`",
            "add one, such as `shadow: {sampling: 50%, duration: 2h}`, or take the test out",
        )


@rule(
    "TG041",
    "A shadow gets some of the requests",
    why="The shadow's weight is `sampling` over the production variant's, which is 1.0: every reading of "
    "SageMaker's pages agrees on the share then. With 0% it would cost its instances and see nothing.",
    source="SageMaker developer guide, Testing models with shadow variants",
    right="Write 1% to 100%.",
)
def blind_shadow(test: Trial | None) -> Iterator[Finding]:
    """Find a shadow that gets no requests."""
    if test and test.shadow and test.shadow.sampling < limits.TEST_SHARE_MIN_PERCENT:
        yield Finding(("test", "shadow", "sampling"), "a shadow of 0% of the requests sees nothing", "write 1% to 100%")


@rule(
    "TG042",
    "Champion and challenger both answer",
    why="The weights of an A/B test are shares of all requests. With 0% the challenger answers nobody, with 100% "
    "the champion: then nothing is compared, and all traffic has moved without guardrails.",
    source="SageMaker developer guide, Testing models with production variants: a variant's share is its weight over "
    "the sum of weights",
    right="Write 1% to 99%.",
)
def one_sided(test: Trial | None) -> Iterator[Finding]:
    """Find an A/B test in which one side gets nothing."""
    if test and test.ab:
        weight = test.ab.challenger_weight
        if not limits.TEST_SHARE_MIN_PERCENT <= weight <= limits.CHALLENGER_WEIGHT_MAX_PERCENT:
            side = "challenger" if weight < limits.TEST_SHARE_MIN_PERCENT else "champion"
            yield Finding(
                ("test", "ab", "challenger_weight"),
                f"with {weight}% for the challenger the {side} answers nobody",
                f"write {limits.TEST_SHARE_MIN_PERCENT}% to {limits.CHALLENGER_WEIGHT_MAX_PERCENT}%",
            )


@rule(
    "TG043",
    "The champion is a version that can be serving",
    why="`approved` is the newest version that is approved, which is what is about to be released: as champion it "
    "would take the place of the version that serves, without guardrails, for the sake of a test.",
    source="this project: how a test goes, docs/stage-file.md",
    right="Leave `champion` out, which means `live`, or write the number of the version that serves.",
)
def approved_champion(test: Trial | None) -> Iterator[Finding]:
    """Find a champion that is the version to be released."""
    if test and test.champion == "approved":
        yield Finding(
            ("test", "champion"),
            "`approved` is the version that is to be released, not the one that serves",
            "write live, or the number of the version that serves",
        )


@rule(
    "TG044",
    "The challenger is not the version that serves",
    why="A version that is compared with itself is found to be as good as itself.",
    source="this project: how a test goes, docs/stage-file.md",
    right="Leave `challenger` out, which means the version that is to be released, or write its number.",
)
def live_challenger(test: Trial | None) -> Iterator[Finding]:
    """Find a challenger that is the version that serves."""
    if test and test.challenger == "live":
        yield Finding(
            ("test", "challenger"),
            "`live` is the version that serves, which is the champion",
            "write approved, or the number of the version that is to be released",
        )


@rule(
    "TG045",
    "Champion and challenger are two versions",
    why="A version that is compared with itself is found to be as good as itself.",
    source="this project: how a test goes, docs/stage-file.md",
    right="Write two numbers, or leave both out: the version that serves against the one to be released.",
)
def same_version(test: Trial | None, version: str) -> Iterator[Finding]:
    """Find a test of a version against itself."""
    if test is None or not test.champion.isdigit():
        return
    challenger = version if test.challenger == "approved" else test.challenger
    if test.champion == challenger:
        yield Finding(
            ("test", "champion"),
            f"version {test.champion} is both champion and challenger",
            "write two different versions, or leave both out",
        )


@rule(
    "TG046",
    "What is tested is what is released",
    why="After the test the stage releases what its `version` says. A challenger of another number would be "
    "tested, decided on, and then not released.",
    source="this project: how a test goes, docs/stage-file.md",
    right="Write the number as the stage's `version`, and leave `challenger` out.",
)
def tested_in_vain(test: Trial | None, version: str) -> Iterator[Finding]:
    """Find a challenger that is not the version that the stage releases."""
    if test and test.challenger.isdigit() and test.challenger != version:
        yield Finding(
            ("test", "challenger"),
            f"version {test.challenger} would be tested, and `version: {version}` released",
            f"write `version: {test.challenger}` in the stage, and leave `challenger` out",
        )


@rule(
    "TG047",
    "The test's variant has a name of its own",
    why="The names of an endpoint's variants are unique, and guardrails act only while the production variant "
    "keeps its name: so a test leaves it alone and adds a variant with another name. Names that differ in "
    "case only are refused too, since it is not verified that SageMaker tells them apart.",
    source="botocore: EndpointConfig variants; SageMaker developer guide, deployment guardrails, Exclusions: the new "
    "config must have the same variant name",
    right="Leave `variant` out of the test, or give it another name than `variant` in endpoint.yml.",
)
def named_like_production(test: Trial | None, variant: str) -> Iterator[Finding]:
    """Find a shadow or challenger that is called as the production variant is."""
    for path, kind in _kinds(test):
        if kind.variant.casefold() == variant.casefold():
            yield Finding(
                (*path, "variant"),
                f"`{kind.variant}` is the name of the production variant",
                "choose another name, which production never has",
            )


@rule(
    "TG048",
    "A test is over while all of its metrics are there",
    why="Whoever decides on a test looks at the metrics of all of it. CloudWatch keeps metrics by the minute for "
    "15 days: of a longer test the beginning would be gone. The pipeline waits for the decision for 60 days, "
    "then declines.",
    source="CloudWatch user guide, Metrics concepts: retention; CodePipeline API reference, ActionDeclaration: "
    "timeoutInMinutes",
    right="Write less than 15d.",
)
def longer_than_its_metrics(test: Trial | None) -> Iterator[Finding]:
    """Find tests that cannot be judged by all that they have shown."""
    longest = limits.METRIC_RETENTION
    for path, kind in _kinds(test):
        if kind.duration >= longest:
            yield Finding(
                (*path, "duration"),
                f"CloudWatch keeps metrics by the minute for {format_duration(longest)}, and the test takes "
                f"{format_duration(kind.duration)}",
                f"write less than {format_duration(longest)}, with time to decide",
            )


@rule(
    "TG049",
    "Inf1 instances take no shadow",
    why="Shadow variants are not available on endpoints with Inf1 instances.",
    source="SageMaker developer guide, Testing models with shadow variants",
    right="Use `ab`, or another instance type.",
)
def shadow_on_inf1(test: Trial | None, instances: Instances) -> Iterator[Finding]:
    """Find a shadow where there can be none."""
    if test and test.shadow and instances.type.startswith(limits.INF1_FAMILY):
        yield Finding(
            ("test", "shadow", KEY),
            f"{instances.type} takes no shadow variant",
            "use ab, or another instance type",
        )


@rule(
    "TG050",
    "A shadow's answers are captured",
    why="A shadow answers nobody: what it would have answered is seen in captured data only. Without capture "
    "there is nothing to compare but latency and errors. An A/B test needs none for that, since its callers "
    "have the answers.",
    source="SageMaker developer guide, Testing models with shadow variants: DataCaptureConfig",
    right="Add `capture: {sampling: 100%}`.",
)
def shadow_without_capture(test: Trial | None, capture: Capture | None) -> Iterator[Finding]:
    """Find a shadow whose answers are lost."""
    if test and test.shadow and not (capture and capture.sampling):
        yield Finding(
            ("capture", "sampling") if capture else ("test", "shadow", KEY),
            "a shadow's answers are seen in captured data only, and nothing is captured",
            "write `capture: {sampling: 100%}`" if capture is None else "write more than 0%, such as 100%",
        )


RULES = (
    not_exactly_one,
    blind_shadow,
    one_sided,
    approved_champion,
    live_challenger,
    same_version,
    tested_in_vain,
    named_like_production,
    longer_than_its_metrics,
    shadow_on_inf1,
    shadow_without_capture,
)
