"""Service Quotas in the sandbox: listed, looked up, increased."""

import pytest
from botocore.exceptions import ClientError

ENDPOINTS = "ml.m5.large for endpoint usage"


@pytest.fixture(scope="module")
def quotas(sandbox):
    return sandbox.client("service-quotas", account="710000000001")


def listed(quotas, service, operation="list_service_quotas"):
    pages = quotas.get_paginator(operation).paginate(ServiceCode=service)
    return {each["QuotaName"]: each for page in pages for each in page["Quotas"]}


def test_then_builds_and_instances_have_quotas_and_large_instances_none_at_first(quotas):
    assert listed(quotas, "codebuild")["Concurrently running builds for Linux/Small environment"]["Value"] > 0
    found = listed(quotas, "sagemaker")
    assert found[ENDPOINTS]["Value"] > 0
    assert found["ml.p5.48xlarge for endpoint usage"]["Value"] == 0
    assert {"ml.m5.large for training job usage", "ml.m5.large for processing job usage"} <= found.keys()


def test_given_an_increase_then_it_is_applied_here_and_the_default_and_other_accounts_stay(sandbox, quotas):
    before = listed(quotas, "sagemaker")["ml.g5.2xlarge for endpoint usage"]
    asked = {"ServiceCode": "sagemaker", "QuotaCode": before["QuotaCode"]}
    request = quotas.request_service_quota_increase(**asked, DesiredValue=4)["RequestedQuota"]
    assert (request["Status"], request["QuotaName"]) == ("APPROVED", before["QuotaName"])
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 4
    assert listed(quotas, "sagemaker")[before["QuotaName"]]["Value"] == 4
    assert listed(quotas, "sagemaker", "list_aws_default_service_quotas")[before["QuotaName"]]["Value"] == 0
    other = sandbox.client("service-quotas", account="710000000002")
    assert other.get_service_quota(**asked)["Quota"]["Value"] == 0


def test_given_no_increase_at_all_then_it_is_refused(quotas):
    quota = listed(quotas, "sagemaker")[ENDPOINTS]
    with pytest.raises(ClientError, match="must be more than"):
        quotas.request_service_quota_increase(
            ServiceCode="sagemaker", QuotaCode=quota["QuotaCode"], DesiredValue=quota["Value"]
        )


@pytest.mark.parametrize(("service", "code"), [("lambda", "L-1"), ("sagemaker", "L-NONE")])
def test_given_an_unknown_service_or_quota_then_there_is_no_such_resource(quotas, service, code):
    with pytest.raises(ClientError) as refused:
        quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
    assert refused.value.response["Error"]["Code"] == "NoSuchResourceException"
