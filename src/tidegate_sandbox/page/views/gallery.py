"""The gallery: what projects are launched from, each with the parameters that a launch may answer.

Like Studio's it has products of the catalogue, and templates in S3: those that are tagged to be shown, at the place
that a domain's tag names. https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
"""

from collections.abc import Iterator
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.page.reading import Reader, Told, last_part, or_none

_LOCATION = "sagemaker:projectS3TemplatesLocation"
_VISIBLE = {"Key": "sagemaker:studio-visibility", "Value": "true"}
_GIVEN_BY_SAGEMAKER = ("SageMakerProjectName", "SageMakerProjectId")


def every(reader: Reader) -> list[Told]:
    """Return each product with its newest version that may be launched, and each template in S3."""
    return [*_products(reader), *_templates(reader)]


def _products(reader: Reader) -> Iterator[Told]:
    for product in reader.every("servicecatalog", "search_products", "ProductViewSummaries"):
        described = reader.ask("servicecatalog", "describe_product", Id=product["ProductId"])
        offered = [each for each in described["ProvisioningArtifacts"] if each.get("Guidance") != "DEPRECATED"]
        if offered:
            yield _product(reader, product, offered[-1])


def _product(reader: Reader, product: Told, version: Told) -> Told:
    asked = reader.ask(
        "servicecatalog",
        "describe_provisioning_parameters",
        ProductId=product["ProductId"],
        ProvisioningArtifactId=version["Id"],
    )
    return {
        "id": product["ProductId"],
        "name": product["Name"],
        "owner": product.get("Owner", ""),
        "description": product.get("ShortDescription", ""),
        "version": version["Id"],
        "version_name": version.get("Name", ""),
        "parameters": _parameters(asked["ProvisioningArtifactParameters"]),
    }


def _templates(reader: Reader) -> Iterator[Told]:
    places = [
        location
        for domain in reader.every("sagemaker", "list_domains", "Domains")
        if (location := reader.tags(domain["DomainArn"]).get(_LOCATION))
    ]
    for place in dict.fromkeys(places):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        for found in reader.every("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix):
            tags = or_none(reader, "s3", "get_object_tagging", Bucket=bucket, Key=found["Key"])
            if tags and _VISIBLE in tags["TagSet"]:
                yield from _template(reader, bucket, found["Key"])


def _template(reader: Reader, bucket: str, key: str) -> Iterator[Told]:
    url = f"https://{bucket}.s3.{reader.scope.region}.amazonaws.com/{key}"
    # ministack's CloudFormation finds templates at its own address only.
    own = f"{context.sandbox().url}/{bucket}/{key}"
    summary = or_none(reader, "cloudformation", "get_template_summary", TemplateURL=own)
    if summary is not None:
        yield {
            "id": f"{bucket}/{key}",
            "name": last_part(key),
            "owner": f"S3, {bucket}",
            "description": summary.get("Description", ""),
            "template": url,
            "parameters": _parameters(summary.get("Parameters", [])),
        }


def _parameters(declared: list[Told]) -> list[dict[str, Any]]:
    return [_parameter(each) for each in declared if each["ParameterKey"] not in _GIVEN_BY_SAGEMAKER]


def _parameter(declared: Told) -> dict[str, Any]:
    constraints = declared.get("ParameterConstraints", {})
    return {
        "key": declared["ParameterKey"],
        "description": declared.get("Description", ""),
        "default": declared.get("DefaultValue"),
        "secret": declared.get("IsNoEcho", declared.get("NoEcho", False)),
        "values": constraints.get("AllowedValues", []),
        "pattern": constraints.get("AllowedPattern", ""),
        "constraint": constraints.get("ConstraintDescription", ""),
        "max_length": constraints.get("MaxLength", ""),
    }
