"""What the commands that change an account have in common: where they work, and how they tell that they cannot."""

import os
import sys
from collections.abc import Callable

from service_catalog.publishing.account import Account, PublishError, reach, sentences
from service_catalog.publishing.bundle import BundleError
from service_catalog.publishing.synth import NodeMissingError


def run(work: Callable[[Account], None]) -> int:
    """Do `work` in the account that boto3 reaches; return the exit code, after a sentence if it is not 0."""
    # The CDK's own validation takes seconds; the tests lint every template.
    os.environ.setdefault("CDK_VALIDATION", "false")
    try:
        with sentences():
            work(reach())
    except (PublishError, NodeMissingError, BundleError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
