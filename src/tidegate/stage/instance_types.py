"""The instance types that SageMaker has, as of botocore 1.43.106; a test compares them with botocore's.

A type is accepted without being listed when its family is as new as the newest that is listed, or newer, so that nobody
has to wait for a release of Tidegate: SageMaker itself decides then, when the endpoint is updated.
"""

import re
from typing import Final

_NEWER_GENERATIONS: Final = 3
_FAMILY: Final = re.compile(r"ml\.([a-z]+)([0-9]{1,2})[a-z0-9-]*\.[a-z0-9-]+")


def _types(*families: tuple[str, str]) -> frozenset[str]:
    return frozenset(
        f"ml.{family}.{size}" for names, sizes in families for family in names.split() for size in sizes.split()
    )


HOSTING: Final = _types(
    ("c4", "large xlarge 2xlarge 4xlarge 8xlarge"),
    ("c5 c5d", "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    ("c6g c6gd c6gn c7g m6g m6gd r6g r6gd", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("c6i c6in m6i r6i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("c7i m7i r7i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("c8g m8g r8g", "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("dl1 p4d p4de", "24xlarge"),
    ("g4dn", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("g5 g6 g6e", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("g7 g7e", "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge"),
    ("inf1", "xlarge 2xlarge 6xlarge 24xlarge"),
    ("inf2", "xlarge 8xlarge 24xlarge 48xlarge"),
    ("m4", "xlarge 2xlarge 4xlarge 10xlarge 16xlarge"),
    ("m5 m5d r5 r5d", "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"),
    ("p2", "xlarge 8xlarge 16xlarge"),
    ("p3", "2xlarge 8xlarge 16xlarge"),
    ("p5", "4xlarge 48xlarge"),
    ("p5e p5en p6-b200 p6-b300 trn2", "48xlarge"),
    ("p6e-gb200", "36xlarge"),
    ("r7gd", "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("t2", "medium large xlarge 2xlarge"),
    ("trn1", "2xlarge 32xlarge"),
    ("trn1n", "32xlarge"),
)
"""What serves an endpoint (botocore: ProductionVariantInstanceType)."""

PROCESSING: Final = _types(
    ("c4", "xlarge 2xlarge 4xlarge 8xlarge"),
    ("c5", "xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    ("c6i", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("c7i m7i r7i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("c7i-flex c8i-flex g4dn", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("c8i", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge"),
    ("g5 g6 g6e", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("g7 g7e", "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge"),
    ("m4", "xlarge 2xlarge 4xlarge 10xlarge 16xlarge"),
    ("m5", "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"),
    ("m6i r6i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("m7i-flex m8i-flex r8i-flex", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("m8i r8i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge"),
    ("p2", "xlarge 8xlarge 16xlarge"),
    ("p3", "2xlarge 8xlarge 16xlarge"),
    ("p5", "4xlarge"),
    ("r5 r5d", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    ("t3", "medium large xlarge 2xlarge"),
)
"""What a processing job runs on, such as those of Model Monitor (botocore: ProcessingInstanceType)."""


def is_newer(instance_type: str, known: frozenset[str]) -> bool:
    """Say whether a type that is not `known` may be one that SageMaker has had since.

    Its class (the letters) is known, and its generation (the number) is the newest known one or up to 3 more: `ml.m8i`
    where `ml.m8g` is known, and `ml.m9g`, but neither `ml.m5a` nor `ml.m55`.
    """
    family = _FAMILY.fullmatch(instance_type)
    if family is None:
        return False
    generations = [int(each[2]) for name in known if (each := _FAMILY.fullmatch(name)) and each[1] == family[1]]
    newest = max(generations, default=None)
    families = {name.split(".")[1] for name in known}
    return (
        newest is not None
        and newest <= int(family[2]) <= newest + _NEWER_GENERATIONS
        and instance_type.split(".")[1] not in families
    )


def nearest(instance_type: str, known: frozenset[str]) -> str:
    """Return the known type that looks most like what was written, of the same family where that is known."""
    from difflib import get_close_matches  # imported for a mistake only

    written = f"ml.{instance_type.strip().lower()[:40].removeprefix('ml.')}"
    family = written.rpartition(".")[0] + "."
    same = [name for name in known if name.startswith(family)]
    return get_close_matches(written, sorted(same or known), n=1, cutoff=0.0)[0]
