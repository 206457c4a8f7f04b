"""Valid deploy repositories for hypothesis: every strategy, test and option, as people would write them.

`stage_files()` gives what `stages/NAME.yml` holds, `endpoint_files()` what `endpoint.yml` does, `repos()` typed
repositories of one stage or more. What is valid is reckoned here anew, without the rules that it is a test of.
"""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tidegate.stage import Repo
from tidegate.stage.load import RepoFiles, type_repo
from tidegate.stage.reading import parse_document

ACCOUNT, REGION = "111122223333", "eu-west-1"
ENDPOINT: dict[str, Any] = {
    "project": {"name": "bikeshare", "id": "p-abc123def456", "account": ACCOUNT, "region": REGION},
    "model_package_group": "bikeshare-p-abc123def456",
    "execution_role": f"arn:aws:iam::{ACCOUNT}:role/tidegate/sagemaker-p-abc123def456-execution-eu-west-1",
    "bucket": "sagemaker-p-abc123def456-111122223333-eu-west-1",
    "kms_key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}

INSTANCE_TYPES = ("ml.m5.large", "ml.c7g.2xlarge", "ml.g5.xlarge", "ml.inf2.xlarge", "ml.t2.medium")
ERROR_METRICS = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
LATENCY_METRICS = ("ModelLatency", "OverheadLatency")
STRATEGIES = ("all_at_once", "canary", "linear", "rolling")
SIZE_KEYS = {"canary": "canary_size", "linear": "linear_step_size", "rolling": "maximum_batch_size"}
RANGES = {"canary": (1, 50), "linear": (10, 50), "rolling": (5, 50)}

# Every character that a value may hold: what YAML, CloudFormation or Jinja would read as something else included.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=("C", "Zl", "Zp"), max_codepoint=0xFFFD), max_size=40),
    st.sampled_from(
        [
            "two\n lines\t\n",
            "no",
            "007",
            "1e3",
            "~",
            "${AWS::Region}",
            "{{ 7*7 }}",
            "'",
            '"',
            "a: b",
            "# c",
            "日本",
            "\\n",
            "%",
        ]
    ),
).filter(lambda text: "{{resolve:" not in text)
TAG_TEXT = st.text(st.sampled_from("abcXYZ019 _.:/=+-@é漢"), min_size=1, max_size=20)


def durations(least: int, most: int) -> st.SearchStrategy[str]:
    """Durations of whole seconds in one of the units that write them."""

    def write(seconds: int) -> st.SearchStrategy[str]:
        units = [(size, unit) for unit, size in (("s", 1), ("m", 60), ("h", 3600)) if seconds % size == 0]
        return st.sampled_from([f"{seconds // size}{unit}" for size, unit in units])

    edges = st.sampled_from([least, most])
    return st.one_of(
        edges, st.integers(least, most), st.integers(-(-least // 60), most // 60).map((60).__mul__)
    ).flatmap(write)


def percentages(least: int, most: int) -> st.SearchStrategy[str]:
    """Whole percentages."""
    return st.integers(least, most).map("{}%".format)


@st.composite
def fleets(draw: st.DrawFn, least: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`instances` and `autoscaling`, with at least so many instances at any time."""
    count = draw(st.one_of(st.just(least), st.integers(least, 30)))
    instances: dict[str, Any] = {"type": draw(st.sampled_from(INSTANCE_TYPES)), "count": count}
    if draw(st.booleans()):
        instances["volume_size"] = draw(st.integers(1, 512))
    if draw(st.booleans()):
        instances["price_per_hour"] = (
            f"{draw(st.decimals('0.001', 99, places=3))} {draw(st.sampled_from(('USD', 'EUR')))}"
        )
    if instances["type"].startswith("ml.t2.") or draw(st.booleans()):
        return instances, None
    autoscaling: dict[str, Any] = {
        "min": draw(st.integers(least, count)),
        "max": draw(st.integers(count, count + 20)),
        "invocations_per_instance": draw(st.integers(1, 1_000_000)),
    }
    for key in ("scale_in_cooldown", "scale_out_cooldown"):
        if draw(st.booleans()):
            autoscaling[key] = draw(durations(0, 3600))
    return instances, autoscaling


@st.composite
def rollback_rules(draw: st.DrawFn, bake: int) -> dict[str, Any]:
    """One rule of `rollback_on` that can fire within so many seconds."""
    period = draw(st.integers(1, min(bake // 60, 60)))
    datapoints = draw(st.integers(1, bake // (60 * period)))
    rule: dict[str, Any] = {}
    if draw(st.booleans()):
        rule["metric"] = draw(st.sampled_from(ERROR_METRICS))
        rule["above"] = draw(st.sampled_from(["0%", "0.1%", "1%", "5.25%", "50%", "99.999999%"]))
        statistics = ["Average"]
    else:
        rule["metric"] = draw(st.sampled_from(LATENCY_METRICS))
        rule["above"] = draw(st.sampled_from(["800us", "250ms", "1.5s", "60s"]))
        statistics = ["Average", "Maximum", "p50", "p99", "p99.9", "p100"]
    if draw(st.booleans()):
        rule["statistic"] = draw(st.sampled_from(statistics))
    if period > 1 or draw(st.booleans()):
        rule["period"] = f"{period}m"
    rule["periods"] = f"{datapoints} of {draw(st.integers(datapoints, min(datapoints + 10, 1440 // period)))}"
    return rule


def _allowed(strategy: str, smallest: int, largest: int) -> list[str | int]:
    """Every size that is within the strategy's range for all fleets, also when it is rounded up."""
    least, most = RANGES[strategy]
    fleet = range(smallest, largest + 1)
    counts = [size for size in range(1, smallest + 1) if all(least * n <= size * 100 <= most * n for n in fleet)]
    percents = [p for p in range(least, most + 1) if all(-(-n * p // 100) * 100 <= most * n for n in fleet)]
    return [*counts, *(f"{percent}%" for percent in percents)]


@st.composite
def releases(draw: st.DrawFn, strategy: str, smallest: int, largest: int) -> dict[str, Any]:
    """`release` with a strategy, for fleets of any size between two."""
    release: dict[str, Any] = {"strategy": strategy}
    watched = strategy != "all_at_once" or draw(st.booleans())
    if strategy == "all_at_once":
        bake = draw(st.integers(60, 3600)) if watched else draw(st.integers(0, 3600))
        release["termination_wait"] = f"{bake}s"
        total = bake
    else:
        release[SIZE_KEYS[strategy]] = draw(st.sampled_from(_allowed(strategy, smallest, largest)))
        times = 1 if strategy == "canary" else largest  # no step is smaller than one instance
        bake = draw(st.integers(60, min(3600, (28799 - 3600) // times)))
        release["wait_interval"] = f"{bake}s"
        total = times * bake
        if strategy != "rolling" and draw(st.booleans()):
            termination = draw(st.integers(0, 3600))
            release["termination_wait"] = f"{termination}s"
            total += termination
    if strategy == "rolling" and draw(st.booleans()):
        release["rollback_maximum_batch_size"] = draw(st.one_of(percentages(1, 100), st.integers(1, smallest)))
    if total >= 3600 or draw(st.booleans()):
        release["maximum_execution_timeout"] = draw(durations(max(600, total + 1), 28800))
    if watched:
        release["rollback_on"] = draw(
            st.lists(
                rollback_rules(bake), min_size=1, max_size=5, unique_by=lambda rule: (rule["metric"], rule["above"])
            )
        )
    return release


@st.composite
def trials(draw: st.DrawFn, most_instances: int) -> dict[str, Any]:
    """`test`: a shadow or an A/B test."""
    kind = draw(st.sampled_from(("shadow", "ab")))
    inner: dict[str, Any] = {"duration": draw(durations(300, 11 * 86400))}
    if kind == "shadow":
        inner["sampling"] = draw(percentages(1, 100))
    else:
        inner["challenger_weight"] = draw(percentages(1, 99))
    if draw(st.booleans()):
        inner["instance_count"] = draw(st.integers(1, most_instances))
    if draw(st.booleans()):
        inner["variant"] = draw(st.sampled_from(("Next", "shadow-2", "Candidate")))
    trial: dict[str, Any] = {kind: inner}
    if draw(st.booleans()):
        trial["champion"] = draw(st.sampled_from(("live", 3)))
    return trial


@st.composite
def monitors(draw: st.DrawFn) -> dict[str, Any]:
    """`monitoring`: data quality, model quality, or both."""
    schedules = st.sampled_from(("hourly", "daily", "cron(0 * ? * * *)", "cron(0 23 ? * * *)", "cron(0 0/6 ? * * *)"))
    monitoring: dict[str, Any] = {}
    if draw(st.booleans()):
        monitoring["data_quality"] = {"schedule": draw(schedules)}
        if draw(st.booleans()):
            monitoring["data_quality"]["baseline"] = "s3://a-bucket/baseline"
    if not monitoring or draw(st.booleans()):
        problem = draw(st.sampled_from(("Regression", "BinaryClassification", "MulticlassClassification")))
        attribute = "probability_attribute" if problem == "BinaryClassification" else "inference_attribute"
        monitoring["model_quality"] = {
            "schedule": draw(schedules),
            "ground_truth": "s3://a-bucket/ground-truth",
            "problem_type": problem,
            attribute: draw(st.sampled_from(("0", "prediction"))),
        }
    return monitoring


@st.composite
def stage_files(
    draw: st.DrawFn, *, strategy: str | None = None, test: bool | None = None, monitoring: bool | None = None
) -> dict[str, Any]:
    """What a valid `stages/NAME.yml` holds; what is not asked for by name is drawn."""
    strategy = strategy or draw(st.sampled_from(STRATEGIES))
    instances, autoscaling = draw(fleets(1 if strategy == "all_at_once" else 2))
    smallest, largest = instances["count"], instances["count"]
    stage: dict[str, Any] = {"instances": instances}
    if autoscaling:
        stage["autoscaling"] = autoscaling
        smallest, largest = autoscaling["min"], autoscaling["max"]
    stage["release"] = draw(releases(strategy, smallest, largest))
    if test or (test is None and draw(st.booleans())):
        stage["test"] = draw(trials(largest))
    may_monitor = "ab" not in stage.get("test", {})
    if may_monitor and (monitoring or (monitoring is None and draw(st.booleans()))):
        stage["monitoring"] = draw(monitors())
    needs_capture = "shadow" in stage.get("test", {}) or "monitoring" in stage
    if needs_capture or draw(st.booleans()):
        stage["capture"] = {"sampling": draw(percentages(1 if needs_capture else 0, 100))}
    if draw(st.booleans()):
        names = st.from_regex(r"(MY|OMP|SAGEMAKER_PROGRAM)_[A-Z0-9_]{0,10}", fullmatch=True)
        stage["environment"] = draw(st.dictionaries(names, TEXT, max_size=4))
    if draw(st.booleans()):
        keys = TAG_TEXT.filter(lambda key: not key.lower().startswith(("aws:", "sagemaker:", "tidegate:")))
        stage["tags"] = draw(st.dictionaries(keys, TAG_TEXT.filter(bool), max_size=4))
    if draw(st.booleans()):
        stage["timeouts"] = {
            "model_download": draw(durations(60, 3600)),
            "container_startup": draw(durations(60, 3600)),
        }
    if draw(st.booleans()):
        network: dict[str, Any] = {"isolation": draw(st.booleans())}
        if draw(st.booleans()):
            network["subnets"] = [f"subnet-{index:017x}" for index in range(draw(st.integers(1, 16)))]
            network["security_groups"] = [f"sg-{index:08x}" for index in range(draw(st.integers(1, 5)))]
        stage["network"] = network
    if draw(st.booleans()):
        stage["expect"] = {
            "requests_per_minute": draw(st.one_of(st.integers(1, 10**6), st.sampled_from((0.5, 600.25))))
        }
        if draw(st.booleans()):
            stage["expect"] |= {"error_rate": "0.1%", "notice": draw(st.sampled_from(("0.2%", "1%", "100%")))}
    if draw(st.booleans()):
        stage["notifications"] = {"topic": f"arn:aws:sns:{REGION}:{draw(st.sampled_from((ACCOUNT, '222222222222')))}:t"}
    if draw(st.booleans()):
        stage["approval"] = draw(st.sampled_from(("manual", "automatic")))
    if draw(st.booleans()):
        stage["version"] = draw(st.sampled_from(("approved", 7)))
    return stage


def endpoint_files() -> st.SearchStrategy[dict[str, Any]]:
    """What a valid `endpoint.yml` holds, with short names and the longest that there can be."""
    variants = st.sampled_from(("AllTraffic", "v", "V" * 63))
    projects = st.sampled_from(
        (
            ENDPOINT["project"],
            ENDPOINT["project"] | {"name": "n" * 32, "id": "i" * 20},
            ENDPOINT["project"] | {"name": "A"},
        )
    )
    return st.builds(lambda project, variant: ENDPOINT | {"project": project, "variant": variant}, projects, variants)


def yaml_text(content: dict[str, Any]) -> str:
    """Write what a file holds as YAML 1.2, of which JSON is a part: text stays text, whatever it looks like."""
    return json.dumps(content, ensure_ascii=False, indent=1)


def repo_of(stages: dict[str, dict[str, Any]], endpoint: dict[str, Any] = ENDPOINT, root: Path = Path("repo")) -> Repo:
    """Type what files hold, without writing them; raises StageFileError where they are not valid."""

    def document(name: str, content: dict[str, Any]) -> Any:
        return parse_document(name, yaml_text(content).encode())

    named = {name: document(f"stages/{name}.yml", content) for name, content in sorted(stages.items())}
    return type_repo(root, RepoFiles(document("endpoint.yml", endpoint), named, ()))


def repos(**asked: Any) -> st.SearchStrategy[Repo]:
    """Valid repositories of one to three stages; takes what `stage_files` takes."""
    names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
    stages = st.dictionaries(names, stage_files(**asked), min_size=1, max_size=3)
    return st.builds(repo_of, stages, endpoint_files())
