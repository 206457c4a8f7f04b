"""Chooses who answers a request: a fleet by its share of the traffic, then a variant by its weight.

SageMaker chooses anew for each request. A change of shares holds for every request that comes after it; one in flight
ends where it began, so a fleet that has left can be stopped once it is drained, and no request is lost.
"""

import random
import threading
from typing import Any

from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.records import Plan

MAX_COPIES = 100
"""Copies of requests that may be under way to one shadow: a slow one must not fill the memory."""


class NobodyServesError(Exception):
    """No variant can take the request; the message is a sentence."""


class Router:
    """Shares the requests of one endpoint among fleets. Safe to use from any thread."""

    def __init__(self) -> None:
        self._shares: tuple[tuple[Fleet, float], ...] = ()
        self._changed = threading.Condition()
        self._random = random.Random()  # noqa: S311 - traffic, no secret

    def shift(self, *shares: tuple[Fleet, float]) -> None:
        """Let each fleet take its share (0 to 1) of the requests from now on, and no other fleet any."""
        with self._changed:
            self._shares = tuple((fleet, share) for fleet, share in shares if share > 0)

    def enter(self, target_variant: str | None = None) -> tuple[Fleet, ModelServer]:
        """Choose who answers a request: it counts as in flight until `leave`. NobodyServesError if none can."""
        with self._changed:
            fleet, chosen = self._choose(target_variant)
            chosen.in_flight += 1
        return fleet, chosen

    def _choose(self, target_variant: str | None) -> tuple[Fleet, ModelServer]:
        candidates = [
            (fleet, server, share if target_variant else share * server.variant.weight / total_weight(fleet))
            for fleet, share in self._shares
            for server in fleet.servers
            if (server.variant.name == target_variant if target_variant else server.variant.weight > 0)
        ]
        if not candidates:
            wanted = f"production variant {target_variant}" if target_variant else "variant with a weight above 0"
            raise NobodyServesError(f"there is no {wanted}")
        if len(candidates) == 1:
            return candidates[0][:2]
        fleet, server, _ = self._random.choices(candidates, [weight for _, _, weight in candidates])[0]
        return fleet, server

    def shadow(self, fleet: Fleet) -> ModelServer | None:
        """Choose who gets a copy of a request that `fleet` answers: it counts as in flight until `leave`.

        A shadow gets the share of the requests that its weight is of the production variant's. None where the request
        is not chosen, or where so many copies are under way that the shadow does not keep up.
        """
        with self._changed:
            for server in fleet.shadows:
                if server.in_flight < MAX_COPIES and self._random.random() < mirrored_share(fleet, server):
                    server.in_flight += 1
                    return server
        return None

    def servers(self) -> list[ModelServer]:
        """Return the servers of the fleets that take requests, those of their shadows too."""
        return [server for fleet, _ in self._shares for server in fleet.every_server]

    def leave(self, server: ModelServer) -> None:
        """Let a request that was in flight on `server` have ended."""
        with self._changed:
            server.in_flight -= 1
            if server.in_flight == 0:
                self._changed.notify_all()

    def drain(self, fleet: Fleet, timeout: float) -> bool:
        """Wait until nothing is in flight on `fleet`, at most `timeout` seconds of the wall; return whether so."""
        with self._changed:
            return self._changed.wait_for(lambda: not any(server.in_flight for server in fleet.every_server), timeout)

    def change(self, fleet: Fleet, plan: Plan) -> None:
        """Let `fleet` have the weights and instance counts of `plan`, which differs from its own in nothing else."""
        named = {variant.name: variant for variant in plan.every_variant}
        with self._changed:
            fleet.plan = plan
            for server in fleet.every_server:
                server.variant = named[server.variant.name]

    def traffic(self) -> list[dict[str, Any]]:
        """Return who takes which share of the requests, 0 to 1."""
        return [
            {
                "endpoint_config": fleet.plan.config,
                "variant": server.variant.name,
                "share": share * server.variant.weight / (total_weight(fleet) or 1.0),
            }
            for fleet, share in self._shares
            for server in fleet.servers
        ]

    def mirroring(self) -> list[dict[str, Any]]:
        """Return which shadow gets copies of which share of all requests, 0 to 1."""
        return [
            {
                "endpoint_config": fleet.plan.config,
                "variant": server.variant.name,
                "share": share * mirrored_share(fleet, server),
            }
            for fleet, share in self._shares
            for server in fleet.shadows
        ]


def mirrored_share(fleet: Fleet, shadow: ModelServer) -> float:
    """Return the share of a fleet's requests that are copied to a shadow: its weight over production's, at most 1."""
    return min(1.0, shadow.variant.weight / (total_weight(fleet) or 1.0))


def total_weight(fleet: Fleet) -> float:
    """Return the sum of the weights of a fleet's variants: a variant's share is its weight over it."""
    return sum(server.variant.weight for server in fleet.servers)
