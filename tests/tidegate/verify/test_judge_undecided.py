"""Verdicts on what cannot be told, and on the two updates of a test."""

from dataclasses import replace

import pytest

from tests.tidegate.verify.cases import (
    ALONE,
    BEFORE,
    FAILED,
    FIRED,
    IN_TEST,
    NO_ATTEMPT,
    OLD,
    STACK_FAILED,
    TEST,
    UNTESTED,
    Case,
    N,
    P,
    R,
    config,
)
from tests.tidegate.verify.following import T0
from tidegate.verify import ActionSeen, ConfigSeen, Sighting, StackSeen

CASES = {
    # INCONCLUSIVE
    "SageMaker refused the update": Case(
        N,
        "version 3 never reached shop-p-1-prod, which serves version 2 (config-2) as before: "
        "Endpoint: ResourceLimitExceeded: the quota is 4 instances",
        live=OLD,
        action=FAILED,
        stack=replace(STACK_FAILED, failures=("Endpoint: ResourceLimitExceeded: the quota is 4 instances",)),
        **NO_ATTEMPT,
    ),
    "the stack failed before it reached the endpoint": Case(
        N,
        "never reached shop-p-1-prod, which serves version 2 (config-2) as before: Model: access denied",
        live=OLD,
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", failures=("Model: access denied",)),
        **NO_ATTEMPT,
    ),
    "the stack failed before it reached the endpoint, which autoscaling changed meanwhile": Case(
        N,
        "never reached shop-p-1-prod, which serves version 2 (config-2) as before: Model: access denied",
        live=OLD,
        timeline=(BEFORE, Sighting("Updating", "config-2"), BEFORE),
        tried=None,
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", failures=("Model: access denied",)),
    ),
    "CloudFormation refused the template": Case(
        N, "bad template", live=OLD, action=ActionSeen("Failed", T0, summary="bad template"), stack=None, **NO_ATTEMPT
    ),
    "the action was stopped by a person": Case(
        N, "never reached", live=OLD, action=ActionSeen("Abandoned", T0), stack=StackSeen("X"), **NO_ATTEMPT
    ),
    "it is still updating when time is over": Case(
        N, "is still Updating although its time is over", live=OLD, status="Updating", ended=False
    ),
    "the deployment never ends": Case(
        N,
        "the deployment of shop-p-1-prod is still in progress",
        ended=False,
        action=ActionSeen("InProgress", T0),
    ),
    "a first release that failed left nothing": Case(
        N,
        "there is no endpoint shop-p-1-prod, so nothing serves: Model: denied",
        live=None,
        timeline=(),
        previous=None,
        tried=None,
        action=FAILED,
        stack=StackSeen("ROLLBACK_COMPLETE", failures=("Model: denied",)),
    ),
    "neither endpoint nor stack": Case(
        N, "there is no stack sagemaker-p-1-prod", live=None, timeline=(), stack=None, action=None, tried=None
    ),
    "the endpoint was deleted meanwhile": Case(
        N, "the endpoint shop-p-1-prod was deleted meanwhile, so nothing serves", live=None, tried=None
    ),
    "the endpoint has failed": Case(
        N,
        "shop-p-1-prod is Failed, so nothing serves: the container did not answer",
        status="Failed",
        failure_reason="the container did not answer",
    ),
    "the endpoint is out of service": Case(N, "is OutOfService, so nothing serves", status="OutOfService"),
    "the tags of what serves cannot be read": Case(
        N,
        "the tags of its endpoint config config-2 cannot be read",
        live=replace(OLD, release_id="", tags_read=False),
    ),
    "somebody else updated the endpoint in between": Case(
        N,
        "serves version 9 (config-9), which is neither version 3 nor what served before, version 2 (config-2)",
        live=config(9, "other"),
    ),
    "somebody else updated it by hand": Case(
        N, "serves by-hand, which is neither", live=ConfigSeen("by-hand"), alarms=(FIRED,)
    ),
    # A test put in place, or taken away
    "a test is in place": Case(
        P,
        "the test is in place: shop-p-1-prod serves version 2 (config-3), and version 3 as a shadow that answers "
        "nobody, with 50% of the requests",
        live=IN_TEST,
        tried=IN_TEST,
        deployment_config=None,
        asked=TEST,
    ),
    "a test could not be put in place": Case(
        R,
        "and not the test of version 3 beside version 2, which was rolled back: it did not start",
        live=OLD,
        tried=IN_TEST,
        action=FAILED,
        failure_reason="it did not start",
        asked=TEST,
        notes=(UNTESTED,),
    ),
    "a test was taken away": Case(
        P,
        "no test is in place: shop-p-1-prod serves version 2 (config-4) alone",
        live=config(4, "old", version=2),
        previous=IN_TEST,
        deployment_config=None,
        asked=ALONE,
    ),
    "a test could not be taken away": Case(
        R,
        "and not version 2 alone, which was rolled back",
        live=IN_TEST,
        previous=IN_TEST,
        tried=config(4, "old", version=2),
        action=FAILED,
        asked=ALONE,
        notes=(UNTESTED,),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, hold):
    hold(CASES[name])
