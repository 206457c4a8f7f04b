"""Plans kept as files, in each form that people and programs get them in.

`ACCEPT_GOLDEN=1 pytest tests/tidegate/plan` writes the files anew; read the difference before committing it.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.tidegate.plan.situations import (
    BUSY,
    CANARY,
    PRICED,
    live,
    planned,
    repo,
    serving,
    variant,
)
from tidegate.plan import OFFLINE, Ink, Plan, PriceFound, Situation, as_html, as_text, document

GOLDEN = Path(__file__).parent / "golden"
WATCHED = {"rollback_on": CANARY["rollback_on"]}
LATENCY = {"metric": "ModelLatency", "above": "250ms", "periods": "3 of 5"}
SHADOW = {"shadow": {"sampling": "50%", "duration": "2h"}}
AB = {"ab": {"challenger_weight": "10%", "duration": "24h"}}


def canary() -> Plan:
    made = repo(expect=BUSY, release={**CANARY, "rollback_on": [*CANARY["rollback_on"], LATENCY]})
    changed = {"instances.count": "2", "environment.LOG_LEVEL": "debug", "capture.sampling": "20%"}
    return planned(made, serving(made, live(variant(count=2)), changed), price=PRICED)


def linear() -> Plan:
    release = {"strategy": "linear", "linear_step_size": "30%", "wait_interval": "5m", **WATCHED}
    return planned(repo(expect=BUSY, instances={"type": "ml.m5.large", "count": 5}, release=release))


def rolling() -> Plan:
    release = {"strategy": "rolling", "maximum_batch_size": 2, "wait_interval": "4m", **WATCHED}
    return planned(repo(expect=BUSY, instances={"type": "ml.g5.xlarge", "count": 6}, release=release), price=PRICED)


def all_at_once() -> Plan:
    return planned(repo(expect=BUSY, release={"strategy": "all_at_once", "termination_wait": "10m", **WATCHED}))


def shadow_test() -> Plan:
    return planned(repo(expect=BUSY, test=SHADOW), price=PRICED)


def ab_test_in_place() -> Plan:
    made = repo(test=AB, expect=BUSY)
    return planned(made, serving(made, live(variant(), variant(7, name="Challenger", count=1))))


def first_release() -> Plan:
    return planned(repo(expect=BUSY, test=SHADOW), Situation(), price=PRICED)


def nothing_new() -> Plan:
    return planned(repo(expect=BUSY), release_id="1" * 16, version=5)


def offline() -> Plan:
    return planned(repo(), OFFLINE, version=None, offline=True, price=PriceFound(None, missing="AWS was not asked"))


def too_little_traffic() -> Plan:
    return planned(repo(expect={"requests_per_minute": 20, "error_rate": "1%", "notice": "2%"}))


def variant_renamed() -> Plan:
    return planned(repo(expect=BUSY, variant="Primary"), serving(repo(), live(variant())))


def nothing_rolls_back() -> Plan:
    return planned(repo(release={"strategy": "all_at_once"}))


CASES: dict[str, Callable[[], Plan]] = {
    each.__name__: cache(each)
    for each in (
        canary,
        linear,
        rolling,
        all_at_once,
        shadow_test,
        ab_test_in_place,
        first_release,
        nothing_new,
        offline,
        too_little_traffic,
        variant_renamed,
        nothing_rolls_back,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_the_plan_reads_as_it_was_accepted(case):
    plan = CASES[case]()
    written = {
        f"{case}.txt": as_text(plan, 100, Ink()),
        f"{case}.html": as_html(plan),
        f"{case}.json": json.dumps(document(plan), indent=2, ensure_ascii=False) + "\n",
    }
    if os.environ.get("ACCEPT_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        for name, text in written.items():
            (GOLDEN / name).write_bytes(text.encode())
    assert {name: (GOLDEN / name).read_bytes().decode() for name in written} == written


def test_no_file_is_kept_of_a_plan_that_nobody_makes():
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)
