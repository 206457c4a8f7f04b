"""The machine that publishes: the Node that templates are synthesised with, and what builds the engine's wheel."""

import importlib.util
import sys
from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim
from service_catalog.doctor.question import Question
from service_catalog.doctor.topic import Topic
from service_catalog.publishing.synth import NODE_OLDEST, NodeMissingError, ensure_node

NODE = Subject("node", "Node")
PACKAGES = Subject("packages", "Python packages")
NEEDED = ("aws_cdk", "boto3", "hatchling")


@dataclass(frozen=True)
class Machine:
    """`node` is what lacks of it, if anything."""

    node: str | None
    lacking: tuple[str, ...]
    python: str


def gather(_rim: Rim, _question: Question) -> Machine:
    """Look for Node and the packages, without loading any of them."""
    node = None
    try:
        ensure_node()
    except NodeMissingError as error:
        node = str(error)
    lacking = tuple(name for name in NEEDED if importlib.util.find_spec(name) is None)
    return Machine(node, lacking, ".".join(map(str, sys.version_info[:3])))


def judge(facts: Machine, _question: Question) -> list[Check]:
    """Judge what publishing needs on this machine."""
    if facts.node is None:
        node = NODE.ok(f"There is a Node of version {NODE_OLDEST} or newer, which the CDK runs on.")
    else:
        node = NODE.failed(
            facts.node, f"Install Node {NODE_OLDEST} (nodejs.org), or run scripts/publish, which installs one."
        )
    if facts.lacking:
        packages = PACKAGES.failed(
            f"Python {facts.python} lacks {', '.join(facts.lacking)}.",
            "Run scripts/publish, which installs what it needs.",
        )
    else:
        packages = PACKAGES.ok(f"Python {facts.python} has what publishing needs.")
    return [node, packages]


TOPIC = Topic(NODE, (), gather, judge, wanted=lambda question: question.before == "publish")
