"""Copies of requests to shadow variants: sent once the request is answered, so that no answer waits for them or fails.

Source: SageMaker developer guide, "Shadow variants": copies of the requests go to the shadow, its answers to nobody.
"""

import asyncio
import logging
import time
from dataclasses import replace

from tidegate_sandbox.services.endpoints.endpoint import Endpoint
from tidegate_sandbox.services.endpoints.exchange import Request, exchange
from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer

_log = logging.getLogger(__name__)

_under_way: set[asyncio.Task[None]] = set()
"""asyncio keeps no task alive by itself."""


def mirror(endpoint: Endpoint, fleet: Fleet, request: Request) -> None:
    """Send a copy of a request that `fleet` answers to its shadow, where it has one and the request is chosen.

    Call it on the server's event loop.
    """
    server = endpoint.router.shadow(fleet)
    if server is not None:
        task = asyncio.get_running_loop().create_task(_copy(endpoint, fleet, server, request))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)


async def _copy(endpoint: Endpoint, fleet: Fleet, server: ModelServer, request: Request) -> None:
    try:
        await exchange(endpoint, fleet, server, replace(request, started=time.perf_counter()), endpoint.mirrored)
    except Exception:  # the sandbox's own failure: the client has its answer
        _log.exception("the shadow %s of the endpoint %s could not be asked", server.variant.name, endpoint.name)
    finally:
        endpoint.router.leave(server)
