"""The deploy seed's own tests of its stages: they hold for what people sensibly change, and fail for what harms."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service_catalog.seed import bake

SEED = Path(__file__).parents[3] / "seed_code" / "deploy"
RULES = "rollback_on: [{metric: Invocation5XXErrors, above: 1%}, {metric: ModelLatency, above: 250ms}]"

SENSIBLE = {
    "linear": "strategy: linear, linear_step_size: 25%, wait_interval: 5m, termination_wait: 5m",
    "rolling": "strategy: rolling, maximum_batch_size: 25%, wait_interval: 5m",
    "half": "strategy: canary, canary_size: 50%, wait_interval: 5m",
    "one": "strategy: canary, canary_size: 1, wait_interval: 1h",
    "atonce": "strategy: all_at_once, termination_wait: 5m",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return bake(SEED, {}, tmp_path)


def write(repository: Path, name: str, release: str, rules: str = RULES) -> None:
    text = f"instances: {{count: 4}}\nrelease: {{{release}, maximum_execution_timeout: 2h, {rules}}}\n"
    (repository / "stages" / f"{name}.yml").write_text(text)


def tried(repository: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "STAGE"))}
    plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, "tests/test_release.py"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_they_hold_for_every_strategy_that_watches(repository):
    for name, release in SENSIBLE.items():
        write(repository, name, release)

    done = tried(repository)

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_a_stage_that_looks_at_latency_alone_lets_failures_through(repository):
    write(repository, "prod", SENSIBLE["half"], "rollback_on: [{metric: ModelLatency, above: 250ms}]")

    done = tried(repository)

    assert done.returncode == 1
    assert "test_a_version_that_fails_every_request_is_taken_back[prod]" in done.stdout
    assert "the release was to end ROLLED_BACK, and ended PROMOTED" in done.stdout
    assert "traffic of the new version" in done.stdout


def test_alarms_that_take_ten_minutes_break_the_promise(repository):
    rules = "rollback_on: [{metric: Invocation5XXErrors, above: 1%, periods: 10 of 10}]"
    write(repository, "prod", "strategy: canary, canary_size: 25%, wait_interval: 30m", rules)

    done = tried(repository)

    assert done.returncode == 1
    assert "was to end within 10m" in done.stdout


def test_production_without_rules_is_named(repository):
    write(repository, "prod", "strategy: all_at_once", "rollback_on: []")

    done = tried(repository)

    assert done.returncode == 1
    assert "give prod `rollback_on`" in done.stdout
