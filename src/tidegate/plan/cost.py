"""What an update costs beyond what would have run anyway, in instance-hours and, where a price is known, in money."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from tidegate.guardrails import Step
from tidegate.plan.price import PriceFound
from tidegate.stage import Price

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Cost:
    """Instance-seconds of an update while it waits, and what they come to.

    `both_fleets` is what exists from the moment at which the first new instances are healthy to the end, `staying` what
    the old fleet alone would have been in that time. Starting and stopping instances takes time of its own, which is
    billed and not known: `most_extra` is what the update can take at most, with all of its peak until the timeout.
    """

    both_fleets: int
    staying: int
    most_extra: int
    price: PriceFound

    @property
    def extra(self) -> int:
        """Instance-seconds that would not have run without the update."""
        return self.both_fleets - self.staying

    def money(self, instance_seconds: int) -> Price | None:
        """Return what so many instance-seconds cost, None where no price is known."""
        return price_of(self.price.price, instance_seconds)


def price_of(price: Price | None, instance_seconds: int) -> Price | None:
    """Return the price of so many instance-seconds at `price` an hour, exactly."""
    if price is None:
        return None
    exact = Fraction(price.amount) * instance_seconds / 3600
    return Price(Decimal(exact.numerator) / Decimal(exact.denominator), price.currency)


def rounded(price: Price) -> Price:
    """Return the price to the cent, or in full below one: an amount that is not nothing never reads as nothing."""
    if price.amount and price.amount < _CENT:
        return Price(price.amount.quantize(Decimal("0.0001"), ROUND_HALF_UP), price.currency)
    return Price(price.amount.quantize(_CENT, ROUND_HALF_UP), price.currency)


def cost_of_update(
    steps: Sequence[Step], *, staying_instances: int, peak_instances: int, timeout: int, price: PriceFound
) -> Cost:
    """Return the cost of an update that goes as `steps` say, beside a fleet of `staying_instances` that stays.

    `peak_instances` is what exists at the height of it, `timeout` the seconds after which SageMaker gives up.
    """
    lasts = int(steps[-1].until)
    return Cost(
        both_fleets=sum(int(step.until - step.at) * (step.blue_instances + step.green_instances) for step in steps),
        staying=lasts * staying_instances,
        most_extra=max(0, peak_instances - staying_instances) * timeout,
        price=price,
    )
