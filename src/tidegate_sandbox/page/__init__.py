"""The sandbox's page: what is in it, for a person with a browser, and the buttons that a console has.

What is shown is what the sandbox's own AWS operations answer, asked for with boto3 as any client asks; what a button
does is one such operation. So nothing here is a second truth, and nothing can be done here that cannot be done there.
"""

from pathlib import Path

from tidegate_sandbox.page.site import PAGE, Site, serves, wants_page
from tidegate_sandbox.page.visitor import follows_link
from tidegate_sandbox.routes import route

__all__ = ["PAGE", "follows_link", "install", "wants_page"]


def install(port: int) -> None:
    """Serve the page at `PAGE` of the sandbox that listens on `port`."""
    route(serves, Site(port, Path(__file__).parent / "static"))
