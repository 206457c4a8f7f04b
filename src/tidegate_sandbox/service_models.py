"""botocore's models of AWS's services, each read once: what is checked, answered and called shares them.

A model is up to several megabytes of JSON, so a second reader would cost a start time and memory.
"""

from functools import cache
from typing import Any


@cache
def loader() -> Any:
    """Return the botocore loader that everything in this process shares."""
    from botocore.loaders import create_loader

    return create_loader()


@cache
def service_model(service: str) -> Any:
    """Return botocore's model of `service`, its operations and their shapes; UnknownServiceError where it has none."""
    from botocore.model import ServiceModel

    return ServiceModel(loader().load_service_model(service, "service-2"), service)


@cache
def session() -> Any:
    """Return a boto3 session without credentials of its own whose clients share the models."""
    import boto3
    import botocore.session

    shared = botocore.session.Session()
    shared.register_component("data_loader", loader())
    return boto3.Session(botocore_session=shared)
