"""What is done quicker than ministack does it has the outcome that ministack's own way has."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ministack.services import cloudwatch
from ministack.services.cloudformation import engine

from tidegate_sandbox import hooks
from tidegate_sandbox.hooks import quicker

GOLDEN = sorted((Path(__file__).parents[1] / "tidegate/render/golden").rglob("*.template.yaml"))
CORNERS = {
    "tags": "A: !Ref B\nC: !GetAtt D.E.F\nG: !GetAtt [H, I]\nJ: !Sub ['${K}', {K: !If [L, 1, !Ref 'AWS::NoValue']}]",
    "dates": "Version: 2012-10-17\nTime: 2026-01-02T03:04:05Z",
    "numbers": "A: 012\nB: 0x1F\nC: 1_000\nD: 1e3\nE: 190:20:30\nF: .inf\nG: '012'\nH: 1.50",
    "truth": "A: yes\nB: no\nC: on\nD: off\nE: ~\nF: null\nG: 'yes'\nH: y",
    "merges": "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3",
    "twice": "a: 1\na: 2",
    "blocks": "a: |\n  one\n   two\nb: >-\n  one\n  two\nc: |+\n  three\n\n",
    "words": 'ä: \'ö ☃\'\n"tab": "a\\tb"\nb: !!binary aGVsbG8=\nset: !!set {a, b}',
}


@pytest.mark.parametrize("text", [*CORNERS.values(), *(file.read_text() for file in GOLDEN[:3])])
def test_a_template_says_what_it_says_to_ministack(text: str) -> None:
    assert yaml.load(text, quicker.quick_loader()) == yaml.load(text, engine.CfnLoader)


@pytest.mark.parametrize("text", ["a: [", "a: !Nobodys b", "a: *nowhere", "a: b: c", "!!python/name:os.system ''"])
def test_what_is_no_template_is_none(text: str) -> None:
    for loader in (quicker.quick_loader(), engine.CfnLoader):
        with pytest.raises(yaml.YAMLError):
            yaml.load(text, loader)


def test_libyaml_is_there() -> None:
    assert issubclass(quicker.quick_loader(), yaml.CSafeLoader)


def test_values_are_forgotten_soon_after_their_time_by_the_sandboxs_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(cloudwatch, "time", SimpleNamespace(time=lambda: clock.now))
    monkeypatch.setattr(cloudwatch, "TWO_WEEKS_SECONDS", 1000)
    monkeypatch.setattr(cloudwatch, "_evict_old_metrics", quicker.now_and_then(cloudwatch._evict_old_metrics))

    def kept(account: str) -> int:
        with hooks.acting_in(account, "eu-west-1"):
            hooks.forget_old_metrics()
            return len(hooks.metric_points("Tests", "Kept", {}))

    def add(account: str) -> None:
        point: Any = {"Timestamp": clock.now, "Value": 1.0, "Count": 1.0, "Unit": "None", "Dimensions": {}}
        with hooks.acting_in(account, "eu-west-1"):
            hooks.add_metric_point("Tests", "Kept", point)

    mine, other = "710000000041", "710000000042"
    add(mine)
    add(other)
    clock.now += 995
    add(mine)
    assert [kept(mine), kept(other)] == [2, 1]
    clock.now += 15
    assert [kept(mine), kept(other)] == [1, 0]
    clock.now -= 1005  # a clock that was put back
    assert kept(mine) == 1
    clock.now += 2000
    assert kept(mine) == 0
