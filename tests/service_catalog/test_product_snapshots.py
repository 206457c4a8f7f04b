"""Every template as it was last reviewed: whoever changes one sees in `snapshots/` what the change comes to.

    TIDEGATE_RENEW_SNAPSHOTS=1 ./scripts/test tests/service_catalog/test_product_snapshots.py

writes them anew; the difference is reviewed and committed with what caused it.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "TIDEGATE_RENEW_SNAPSHOTS"
COMMAND = f"{RENEW}=1 ./scripts/test tests/service_catalog/{Path(__file__).name}"
TEMPLATES = {
    "product-codecommit": "product_template",
    "product-connection": "hosted_template",
    "portfolio": "portfolio",
    "stage-account": "stage_account",
    "stage-roles": "stage_roles_template",
}
# A name that is made of the content of something else changes with it, and a release's number with each release.
FINGERPRINT = re.compile(r"(stages)/[0-9a-f]{16,64}")
RELEASED = re.compile(r"(tidegate_version: )'?[0-9][0-9a-z.+]*'?")


class _Readable(yaml.CSafeDumper):
    """Code line by line, as it is written, and everything where it is: no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def readable(template: dict[str, Any]) -> str:
    return yaml.dump(template, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120)


def without_what_varies(text: str) -> str:
    return RELEASED.sub(r"\1VERSION", FINGERPRINT.sub(r"\1/FINGERPRINT", text))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_as_it_was_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    is_, path = without_what_varies(readable(request.getfixturevalue(TEMPLATES[name]))), SNAPSHOTS / f"{name}.yaml"
    if os.environ.get(RENEW):
        path.write_text(is_)
    was = path.read_text() if path.exists() else ""
    difference = "".join(
        difflib.unified_diff(was.splitlines(True), is_.splitlines(True), f"reviewed/{path.name}", "now", n=3)
    )
    assert not difference, f"{difference}\nIf that is what was meant, write it down for review:\n    {COMMAND}"


def test_no_snapshot_is_of_a_template_that_is_no_more() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} <= TEMPLATES.keys()


def test_a_snapshot_says_what_its_template_says(product_template: dict[str, Any]) -> None:
    assert yaml.load(readable(product_template), yaml.CSafeLoader) == product_template
