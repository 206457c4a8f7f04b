"""The one place that makes AWS clients, and knows what their errors mean. botocore is imported only when it is used."""

from functools import cache, partial
from typing import Any

from tidegate.errors import TidegateError


def client(service: str, region: str | None = None, role: str | None = None) -> Any:
    """Return a client of `service` as boto3 makes it, with standard retries and time limits of its own.

    Credentials, the profile and, where `AWS_ENDPOINT_URL` or the shared config says so, the address come from the
    environment, as everywhere in botocore.

    With `role`, the ARN of one that trusts whoever these credentials are of, the client acts with it, in its account:
    the role is assumed at the first call, and again before each session ends, so that a client may outlive the hour to
    which AWS limits a role that was assumed with another.
    """
    made = _make(service, region, role, slim=True)

    # A slim client is asked for an operation that it does not know: a whole one answers.
    def whole(event_name: str, **_: Any) -> Any:
        name = event_name.rpartition(".")[2]
        return None if name.startswith("_") else getattr(_make(service, region, role, slim=False), name, None)

    made.meta.events.register(f"getattr.{made.meta.service_model.service_id.hyphenize()}", whole)
    return made


def _make(service: str, region: str | None, role: str | None, *, slim: bool) -> Any:
    from botocore.config import Config

    from tidegate.service_models import OPERATIONS

    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=5,
        read_timeout=30,
        user_agent_extra="tidegate",
    )
    session = _session(slim and service in OPERATIONS, role, region if role else None)
    return session.create_client(service, region_name=region, config=config)


@cache
def _session(slim: bool, role: str | None, region: str | None) -> Any:
    # Not boto3's: it takes a tenth of a second to import, for what is not used here.
    from botocore.session import Session

    from tidegate.service_models import slim_loader

    session = Session()
    loader = slim_loader(session.get_config_variable("data_path")) if slim else None
    if loader is not None:
        session.register_component("data_loader", loader)
    if role is not None:
        from botocore.credentials import CredentialResolver

        session.register_component("credential_provider", CredentialResolver([_assumed(role, region)]))
    return session


def _assumed(role: str, region: str | None) -> Any:
    """Return what gives botocore sessions of `role`, assumed with the credentials of the environment."""
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

    class Assumed(CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> Any:
            own = _session(True, None, None)
            source, sts = own.get_credentials(), partial(own.create_client, region_name=region)
            # Who is in the role's account already, a person who has to mend something there say, acts as themselves.
            if source is None or sts("sts").get_caller_identity()["Account"] == role.split(":")[4]:
                return source
            fetcher = AssumeRoleCredentialFetcher(sts, source, role, {"RoleSessionName": "tidegate"})
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    return Assumed()


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what clients raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def expected_errors() -> tuple[type[Exception], ...]:
    """Return what clients raise and what Tidegate does: all that is a sentence for a person."""
    return TidegateError, *aws_errors()


def is_missing(error: Exception) -> bool:
    """Whether the service says that what was asked for does not exist."""
    code, message = _code(error), str(error).lower()
    return code in {"ResourceNotFound", "ResourceNotFoundException"} or (
        code in {"ValidationException", "ValidationError"}
        and ("could not find" in message or "does not exist" in message)
    )


def is_denied(error: Exception) -> bool:
    """Whether the service says that whoever asks may not."""
    return _code(error) in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def is_passing(error: Exception) -> bool:
    """Whether asking again later may help: a lost connection, a service that is busy or broken."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 429 or "Throttl" in _code(error) or _code(error) == "TooManyRequestsException"
    return isinstance(error, HTTPClientError | NoConnectionError)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
