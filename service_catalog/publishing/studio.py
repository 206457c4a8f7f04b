"""Studio's domains: which of them show the templates of a bucket, by a tag that each of them can have once."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from service_catalog.publishing.account import Account, PublishError, code

# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
LOCATION_TAG = "sagemaker:projectS3TemplatesLocation"


@dataclass(frozen=True)
class Domain:
    """A Studio domain, and the folder of templates that it shows, if it shows one."""

    id: str
    name: str
    arn: str
    location: str | None


class Studio:
    """The Studio domains of an account and region."""

    def __init__(self, account: Account) -> None:
        self._sagemaker = account.client("sagemaker")

    def domains(self) -> list[Domain]:
        """Return every domain."""
        pages = self._sagemaker.get_paginator("list_domains").paginate()
        return [
            Domain(each["DomainId"], each["DomainName"], each["DomainArn"], self._location(each["DomainArn"]))
            for page in pages
            for each in page["Domains"]
        ]

    def domain(self, domain_id: str) -> Domain:
        """Return the domain of that id.

        Raises PublishError if there is none.
        """
        try:
            found = self._sagemaker.describe_domain(DomainId=domain_id)
        except ClientError as error:
            if code(error) in {"ResourceNotFound", "ResourceNotFoundException"}:
                raise PublishError(f"There is no Studio domain {domain_id} in this account and region.") from None
            raise
        arn = found["DomainArn"]
        return Domain(domain_id, found["DomainName"], arn, self._location(arn))

    def show(self, domain: Domain, location: str) -> None:
        """Let a domain show the templates at `location`."""
        self._sagemaker.add_tags(ResourceArn=domain.arn, Tags=[{"Key": LOCATION_TAG, "Value": location}])

    def hide(self, domain: Domain) -> None:
        """Let a domain show no templates of S3."""
        self._sagemaker.delete_tags(ResourceArn=domain.arn, TagKeys=[LOCATION_TAG])

    def _location(self, arn: str) -> str | None:
        pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        tags = (tag for page in pages for tag in page["Tags"])
        return next((tag["Value"] for tag in tags if tag["Key"] == LOCATION_TAG), None)
