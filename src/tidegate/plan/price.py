"""What one instance costs an hour: as the stage file says, else as the Price List API says, else nothing is said."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tidegate.aws import aws_errors
from tidegate.render.partitions import partition_of
from tidegate.stage import Price

SERVICE_CODE: Final = "AmazonSageMaker"
_UNIT: Final = "hrs"
# By partition: one of the few regions that the API is served in (Billing user guide, "AWS Price List Query API
# endpoints").
_SERVED_FROM: Final = {"aws": "us-east-1", "aws-cn": "cn-northwest-1"}
_GIVE_ONE: Final = "write instances.price_per_hour to have it in money"


@dataclass(frozen=True, slots=True)
class PriceFound:
    """The price of an instance and an hour with where it is from, or why there is none."""

    price: Price | None
    source: str = ""
    missing: str = ""


def pricing_region(region: str) -> str | None:
    """Return the region whose Price List API knows the prices of `region`, None where its partition has none."""
    return _SERVED_FROM.get(partition_of(region).name)


def ask_price(make_client: Callable[[str, str], Any], region: str, instance_type: str) -> PriceFound:
    """Return the on-demand price of hosting on one instance of the type in the region, as the Price List API has it.

    `make_client` is called with a service and a region, if at all. No answer of any kind is an error.
    """
    where = pricing_region(region)
    if where is None:
        return PriceFound(None, missing=f"the Price List API does not know {region}; {_GIVE_ONE}")
    try:
        items = list(_items(make_client("pricing", where), region, instance_type))
    except aws_errors() as error:
        return PriceFound(None, missing=f"the Price List API did not answer ({error}); {_GIVE_ONE}")
    return read_price_list(items, region, instance_type)


def _items(client: Any, region: str, instance_type: str) -> Iterator[Any]:
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=SERVICE_CODE,
        FormatVersion="aws_v1",
        Filters=[
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
        ],
    )
    for page in pages:
        yield from page.get("PriceList", [])


def read_price_list(items: list[Any], region: str, instance_type: str) -> PriceFound:
    """Return the one hourly on-demand price among items of a price list, each a product as JSON or already read.

    Hosting is recognised by its usage type, `EUW1-Host:ml.m5.large`, which is what a bill says: the same instance type
    is sold for training, notebooks and more at other prices. Several prices for it are told, and none is chosen.
    """
    usage_type = re.compile(rf"([A-Z0-9]+-)?Host:{re.escape(instance_type)}")
    prices: set[Price] = set()
    for item in items:
        product = _mapping(_read(item))
        attributes = _mapping(_mapping(product.get("product")).get("attributes"))
        here = attributes.get("regionCode", region) == region
        if here and usage_type.fullmatch(str(attributes.get("usagetype", ""))):
            prices.update(_hourly(product))
    if len(prices) == 1:
        return PriceFound(prices.pop(), source=f"Price List API, on demand in {region}")
    if prices:
        several = ", ".join(sorted(map(str, prices)))
        wrong = f"the Price List API has several prices for {instance_type} in {region} ({several})"
    else:
        wrong = f"the Price List API has no price for {instance_type} in {region}"
    return PriceFound(None, missing=f"{wrong}; {_GIVE_ONE}")


def _hourly(product: Mapping[str, Any]) -> Iterator[Price]:
    # A price of zero is a free tier's, and only for an account's first months.
    for term in _mapping(_mapping(product.get("terms")).get("OnDemand")).values():
        for dimension in _mapping(_mapping(term).get("priceDimensions")).values():
            if str(_mapping(dimension).get("unit", "")).lower() != _UNIT:
                continue
            for currency, text in _mapping(dimension.get("pricePerUnit")).items():
                amount = _amount(text)
                if amount is not None and amount > 0 and re.fullmatch("[A-Z]{3}", currency):
                    yield Price(amount.normalize(), currency)


def _read(item: Any) -> Any:
    if not isinstance(item, str | bytes):
        return item
    try:
        return json.loads(item)
    except ValueError:
        return None


def _amount(text: Any) -> Decimal | None:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
