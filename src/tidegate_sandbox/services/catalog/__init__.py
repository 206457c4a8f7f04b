"""Service Catalog: portfolios, products with their versions, who may launch them, and what was launched.

A product's version is a CloudFormation template in S3. Launching one makes the stack SC-{account}-{provisioned
product id} from it, after its parameters were checked, as the portfolio's launch role.
https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations_AWS_Service_Catalog.html
"""

from tidegate_sandbox.services.catalog import (
    constraints,  # noqa: F401 - registers its operations
    launches,  # noqa: F401 - registers its operations
    portfolios,  # noqa: F401 - registers its operations
    products,  # noqa: F401 - registers its operations
    resources,
)
from tidegate_sandbox.services.catalog.records import catalog


def install() -> None:
    """Serve Service Catalog's API and provision its resource types; importing the operations has registered them."""
    resources.install()
    catalog.serve()
