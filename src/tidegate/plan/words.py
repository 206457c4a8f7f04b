"""How quantities are written for people."""

from datetime import UTC, datetime
from decimal import Decimal

from tidegate.plan.cost import rounded
from tidegate.stage import Price


def printable(text: str) -> str:
    """Return the text without what steers a terminal or turns the direction of writing; it came from elsewhere."""
    return "".join(character if character.isprintable() else " " for character in text)


def share(fraction: float) -> str:
    """Write a share in percent with three digits that count: `25%`, `0.479%`."""
    percent = Decimal(f"{fraction * 100:.3g}")
    return f"{percent.normalize():f}%"


def shares(bounds: tuple[float, float]) -> str:
    """Write a share that is not known exactly: `20% to 40%`."""
    least, most = bounds
    return share(least) if least == most else f"{share(least)} to {share(most)}"


def duration(seconds: float) -> str:
    """Write a time as people say it, to the second: `1h 5m`, `90s` as `1m 30s`, and nothing as `0s`."""
    rest = round(seconds)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"


def number(amount: float) -> str:
    """Write a number that is an estimate: whole from ten on, with thousands apart; one decimal below."""
    return f"{amount:,.0f}" if amount >= 10 or amount == int(amount) else f"{amount:.1f}"


def count(amount: int, noun: str) -> str:
    """Write how many there are: `1 instance`, `4 instances`."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def instance_hours(instance_seconds: int) -> str:
    """Write instance-seconds as hours of one instance: `1.75`."""
    return f"{instance_seconds / 3600:,.2f}".rstrip("0").rstrip(".")


def money(price: Price) -> str:
    """Write an amount of money: `0.54 USD`."""
    amount = rounded(price)
    return f"{amount.amount:,} {amount.currency}"


def moment(at: datetime) -> str:
    """Write when something was, in UTC to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def spread(bounds: tuple[int, int]) -> str:
    """Write whole numbers that are not known exactly: `5 or 6`, `5 to 8`."""
    least, most = bounds
    if least == most:
        return str(least)
    return f"{least} or {most}" if most == least + 1 else f"{least} to {most}"
