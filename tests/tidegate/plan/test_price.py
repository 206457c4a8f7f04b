"""Prices as the Price List API tells them, and none where it does not tell one for certain."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.tidegate.answering import answering, refusal
from tidegate.plan.price import PriceFound, ask_price, pricing_region, read_price_list
from tidegate.stage import Price

REGION, TYPE = "eu-west-1", "ml.m5.large"


def product(
    usage_type: str = f"EU-Host:{TYPE}",
    amount: str = "0.1280000000",
    *,
    unit: str = "Hrs",
    currency: str = "USD",
    term: str = "OnDemand",
    region: str = REGION,
) -> dict[str, Any]:
    """Return an item of a price list, in the form that GetProducts documents."""
    return {
        "serviceCode": "AmazonSageMaker",
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
        "product": {
            "productFamily": "ML Instance",
            "sku": "ABCDEFGH12345678",
            "attributes": {
                "servicecode": "AmazonSageMaker",
                "regionCode": region,
                "instanceName": TYPE,
                "component": "Hosting",
                "operation": "RunInstance",
                "usagetype": usage_type,
            },
        },
        "terms": {
            term: {
                "ABCDEFGH12345678.JRTCKXETXF": {
                    "offerTermCode": "JRTCKXETXF",
                    "sku": "ABCDEFGH12345678",
                    "termAttributes": {},
                    "priceDimensions": {
                        "ABCDEFGH12345678.JRTCKXETXF.6YS6EN2CT7": {
                            "unit": unit,
                            "beginRange": "0",
                            "endRange": "Inf",
                            "description": f"${amount} per {usage_type}",
                            "appliesTo": [],
                            "pricePerUnit": {currency: amount},
                        }
                    },
                }
            }
        },
    }


def read(*items: Any) -> PriceFound:
    return read_price_list(list(items), REGION, TYPE)


@pytest.mark.parametrize("usage_type", [f"Host:{TYPE}", f"EU-Host:{TYPE}", f"EUW1-Host:{TYPE}"])
def test_the_price_of_hosting_is_recognised_by_its_usage_type(usage_type):
    assert read(product(usage_type)).price == Price(Decimal("0.128"), "USD")


def test_items_may_come_as_text_as_the_api_sends_them():
    assert read(json.dumps(product())).price == Price(Decimal("0.128"), "USD")


@pytest.mark.parametrize(
    "usage_type",
    [f"EU-Train:{TYPE}", f"EU-Notebk:{TYPE}", f"EU-AsyncHost:{TYPE}", f"EU-Host:{TYPE}-Shadow", "EU-Host:ml.m5.xlarge"],
)
def test_other_uses_of_the_same_instance_are_not_hosting(usage_type):
    found = read(product(), product(usage_type, "0.9"))
    assert found.price == Price(Decimal("0.128"), "USD")
    assert read(product(usage_type)).price is None


def test_a_free_tier_is_not_the_price():
    assert read(product(amount="0.0000000000"), product()).price == Price(Decimal("0.128"), "USD")


def test_the_same_price_told_twice_is_one():
    assert read(product(), product(amount="0.128")).price == Price(Decimal("0.128"), "USD")


def test_two_prices_are_told_and_none_is_chosen():
    found = read(product(), product(amount="0.2"))
    assert found.price is None
    assert "several prices" in found.missing
    assert "0.128 USD" in found.missing
    assert "0.2 USD" in found.missing


@pytest.mark.parametrize(
    "item",
    [
        product(unit="Quantity"),
        product(term="Reserved"),
        product(region="us-east-1"),
        product(amount="free"),
        product(amount="NaN"),
        {},
        {"product": None, "terms": None},
        {"product": {"attributes": {"usagetype": f"EU-Host:{TYPE}"}}, "terms": {"OnDemand": {"a": None}}},
        "no JSON",
        7,
        None,
    ],
)
def test_what_is_no_hourly_price_on_demand_here_leaves_it_unknown(item):
    found = read(item)
    assert found.price is None
    assert "has no price" in found.missing
    assert "instances.price_per_hour" in found.missing


def test_a_price_in_another_currency_is_kept_in_it():
    found = read_price_list(
        [product(f"CNN1-Host:{TYPE}", "1.1", currency="CNY", region="cn-north-1")], "cn-north-1", TYPE
    )
    assert found.price == Price(Decimal("1.1"), "CNY")


class TestAsking:
    def ask(self, handler: Any, region: str = REGION) -> PriceFound:
        self.made: list[tuple[str, str]] = []

        def make(service: str, where: str) -> Any:
            self.made.append((service, where))
            return answering(service, {"GetProducts": handler}, where)

        return ask_price(make, region, TYPE)

    def test_goes_to_the_region_of_prices_with_the_region_and_type_as_filters(self):
        asked = {}

        def handler(**parameters: Any) -> dict[str, Any]:
            asked.update(parameters)
            return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product())]}

        found = self.ask(handler)
        assert self.made == [("pricing", "us-east-1")]
        assert asked["ServiceCode"] == "AmazonSageMaker"
        assert {each["Field"]: each["Value"] for each in asked["Filters"]} == {
            "regionCode": REGION,
            "instanceName": TYPE,
        }
        assert found == PriceFound(Price(Decimal("0.128"), "USD"), "Price List API, on demand in eu-west-1")

    def test_reads_every_page(self):
        pages = {
            None: {"PriceList": [json.dumps(product(f"EU-Train:{TYPE}"))], "NextToken": "2"},
            "2": {"PriceList": [json.dumps(product())]},
        }
        found = self.ask(lambda NextToken=None, **_: pages[NextToken])  # noqa: N803
        assert found.price == Price(Decimal("0.128"), "USD")

    def test_a_refusal_is_said_and_is_no_error(self):
        def handler(**_: Any) -> dict[str, Any]:
            raise refusal("AccessDeniedException", "not authorized to perform: pricing:GetProducts")

        found = self.ask(handler)
        assert found.price is None
        assert "pricing:GetProducts" in found.missing

    def test_makes_no_client_for_a_partition_without_prices(self):
        assert self.ask(lambda **_: {}, "us-gov-west-1").price is None
        assert self.made == []


@pytest.mark.parametrize(
    ("region", "prices"), [("eu-west-1", "us-east-1"), ("cn-north-1", "cn-northwest-1"), ("us-gov-east-1", None)]
)
def test_each_partition_has_prices_of_its_own(region, prices):
    assert pricing_region(region) == prices
