"""Service Quotas, of the services that projects use: what an account might have. Nothing here holds anybody to them.

Every quota starts at its default, and a request to increase one is granted at once, which on AWS takes a person.
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

import hashlib
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from tidegate.stage.instance_types import HOSTING, PROCESSING
from tidegate_sandbox.context import Scoped, sandbox, scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service
from tidegate_sandbox.services.paging import page

quotas = Service("service-quotas")

NAMES = {
    "codebuild": "AWS CodeBuild",
    "events": "Amazon EventBridge (CloudWatch Events)",
    "sagemaker": "Amazon SageMaker",
}
BUILDS = ("Small", "Medium", "Large")
BUILDS_AT_ONCE = 60.0
RULES_ON_A_BUS = 300.0
# A new account has none of the large and of those with accelerators.
SMALL = ("large", "xlarge", "medium")
INSTANCES = 20.0

_increased: Scoped[dict[str, float]] = Scoped(dict)


@cache
def _defaults(service: str) -> dict[str, tuple[str, float]]:
    """Return name and default of each quota of a service, by its code."""
    return {_code(name): (name, value) for name, value in _of(service)}


def _of(service: str) -> Iterator[tuple[str, float]]:
    if service == "codebuild":
        for size in BUILDS:
            yield f"Concurrently running builds for Linux/{size} environment", BUILDS_AT_ONCE
        return
    if service == "events":
        yield "Number of rules", RULES_ON_A_BUS
        return
    for kind in sorted({*HOSTING, *PROCESSING}):
        value = INSTANCES if kind.rpartition(".")[2] in SMALL else 0.0
        for usage in ("endpoint", "processing job", "training job"):
            if kind in (HOSTING if usage == "endpoint" else PROCESSING):
                yield f"{kind} for {usage} usage", value


def _code(name: str) -> str:
    return "L-" + hashlib.sha256(name.encode()).hexdigest()[:8].upper()


def _quota(service: str, code: str, value: float | None = None) -> dict[str, Any]:
    name, default = _defaults(service)[code]
    here = scope()
    return {
        "ServiceCode": service,
        "ServiceName": NAMES[service],
        "QuotaArn": here.arn("servicequotas", f"{service}/{code}"),
        "QuotaCode": code,
        "QuotaName": name,
        "Value": default if value is None else value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _service(parameters: dict[str, Any]) -> str:
    service = str(parameters["ServiceCode"])
    if service not in NAMES:
        raise AwsError("NoSuchResourceException", f"The service {service} has no quotas in the local simulation.")
    return service


def _known(parameters: dict[str, Any]) -> tuple[str, str]:
    service, code = _service(parameters), str(parameters["QuotaCode"])
    if code not in _defaults(service):
        raise AwsError("NoSuchResourceException", f"The service {service} has no quota {code}.")
    return service, code


@quotas.operation("ListServiceQuotas")
def list_service_quotas(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the quotas of a service as they are applied to the account."""
    service, wanted = _service(parameters), parameters.get("QuotaCode")
    found = [
        _quota(service, code, _increased.here().get(code)) for code in _defaults(service) if wanted in (None, code)
    ]
    return page(found, parameters, "Quotas", error="InvalidPaginationTokenException")


@quotas.operation("ListAWSDefaultServiceQuotas")
def list_defaults(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the quotas of a service as they are before anybody asked for more."""
    service = _service(parameters)
    found = [_quota(service, code) for code in _defaults(service)]
    return page(found, parameters, "Quotas", error="InvalidPaginationTokenException")


@quotas.operation("GetServiceQuota")
def get_service_quota(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return one quota as it is applied to the account."""
    service, code = _known(parameters)
    return {"Quota": _quota(service, code, _increased.here().get(code))}


@quotas.operation("RequestServiceQuotaIncrease")
def request_increase(parameters: dict[str, Any]) -> dict[str, Any]:
    """Raise a quota; IllegalArgumentException for what would not be more."""
    service, code = _known(parameters)
    quota = _quota(service, code, _increased.here().get(code))
    if parameters["DesiredValue"] <= quota["Value"]:
        raise AwsError("IllegalArgumentException", f"The desired value must be more than {quota['Value']:g}.")
    _increased.here()[code] = float(parameters["DesiredValue"])
    now = sandbox().clock.now()
    same = ("ServiceCode", "ServiceName", "QuotaArn", "QuotaCode", "QuotaName", "Unit", "GlobalQuota")
    return {
        "RequestedQuota": {
            **{name: quota[name] for name in same},
            "Id": uuid.uuid4().hex,
            "DesiredValue": parameters["DesiredValue"],
            "Status": "APPROVED",
            "Created": now,
            "LastUpdated": now,
        }
    }


def install() -> None:
    """Serve Service Quotas' API, and IAM's simulation as it is asked by those who look before they launch."""
    from tidegate_sandbox.hooks.simulation import replace_simulation

    quotas.serve()
    replace_simulation()
