"""The partition that a region is in, which ARNs and addresses start and end with (botocore: partitions.json)."""

from typing import Final, NamedTuple


class Partition(NamedTuple):
    """`name` is the second part of an ARN, `dns_suffix` the end of a service's address."""

    name: str
    dns_suffix: str


_AWS: Final = Partition("aws", "amazonaws.com")
_BY_PREFIX: Final = {
    "cn-": Partition("aws-cn", "amazonaws.com.cn"),
    "us-gov-": Partition("aws-us-gov", "amazonaws.com"),
    "eusc-": Partition("aws-eusc", "amazonaws.eu"),
    "us-iso-": Partition("aws-iso", "c2s.ic.gov"),
    "us-isob-": Partition("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": Partition("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": Partition("aws-iso-f", "csp.hci.ic.gov"),
}


def partition_of(region: str) -> Partition:
    """Return the partition of a region; one that is not known is taken for one of the largest."""
    return next((partition for prefix, partition in _BY_PREFIX.items() if region.startswith(prefix)), _AWS)
