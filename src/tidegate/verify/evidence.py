"""What was seen of a release, as values. Every time in it was told by the service, not by this machine's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate.registry import LiveVariant, parse_outcome, version_in
from tidegate.render import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Deployment:
    """The pipeline action that deploys the release."""

    pipeline: str
    execution: str
    action: str = "Deploy"


@dataclass(frozen=True, slots=True)
class ActionSeen:
    """The pipeline's Deploy action."""

    status: str
    started_at: datetime | None = None
    updated_at: datetime | None = None
    summary: str = ""

    @property
    def ended(self) -> bool:
        """Whether the action will do nothing more."""
        return self.status != "InProgress"


@dataclass(frozen=True, slots=True)
class StackSeen:
    """The endpoint's CloudFormation stack, last updated at `updated_at`.

    `failures` are the reasons of that update, the first one first. `endpoint_updated` tells that CloudFormation held
    the endpoint's own update for done before the first of them. `config` is the name of the endpoint config that the
    update made, or of the one that the stack holds where the deployment changed nothing; `release_id` and `outcome` are
    its tags; "" where there are none, or they could not be read.
    """

    status: str
    reason: str = ""
    updated_at: datetime | None = None
    endpoint_touched: bool = False
    endpoint_updated: bool = False
    failures: tuple[str, ...] = ()
    config: str = ""
    release_id: str = ""
    outcome: str = ""

    @property
    def ended(self) -> bool:
        """Whether the stack is at rest."""
        return not self.status.endswith("_IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """An endpoint config: its name, the release that its tag tells, and the version behind its production variant.

    `tags_read` is False where the tags could not be read, so that no release id means nothing.
    """

    name: str
    release_id: str = ""
    model_package_arn: str = ""
    tags_read: bool = True
    variants: tuple[LiveVariant, ...] = ()
    outcome: str = ""
    """What its tag says became of its release when it was first verified."""

    @property
    def label(self) -> str:
        """How people know it: by the version of the model, and the name."""
        version = version_in(self.model_package_arn)
        return self.name if version is None else f"version {version} ({self.name})"


@dataclass(frozen=True, slots=True)
class EndpointSeen:
    """The endpoint at the end."""

    status: str
    live: ConfigSeen
    created_at: datetime
    modified_at: datetime
    failure_reason: str = ""
    last_deployment_config: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at the endpoint while it changed. `since` is when the variant came into its status, if told."""

    endpoint_status: str
    config_name: str
    pending_config: str = ""
    variant_status: str = ""
    message: str = ""
    since: datetime | None = None
    update_started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What only those know who watched: what an interrupted verify leaves to the one that resumes it.

    `stack_before` is the stack as it rested before the deployment, None if it was not seen so.
    """

    first_config: str = ""
    stack_before: StackSeen | None = None
    timeline: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """A rollback alarm: its state at the end, and when and why it went into ALARM during the release.

    `stood` tells that it was in ALARM when the release began.
    """

    name: str
    state: str
    reason: str = ""
    fired: tuple[tuple[datetime, str], ...] = ()
    stood: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a verdict rests on. `ended` is False where the time ran out before the release did.

    `previous` is the config that served when the watch began, `tried` the one that was last on its way to the endpoint.
    """

    asked: ReleaseRecord
    endpoint: EndpointSeen | None
    ended: bool = True
    action: ActionSeen | None = None
    stack: StackSeen | None = None
    previous: ConfigSeen | None = None
    tried: ConfigSeen | None = None
    seen: Seen = field(default_factory=Seen)
    alarms: tuple[AlarmSeen, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def timeline(self) -> tuple[Sighting, ...]:
        """How the endpoint changed."""
        return self.seen.timeline

    @property
    def created(self) -> bool:
        """Whether this release created the endpoint."""
        if any(sighting.endpoint_status == "Creating" for sighting in self.timeline):
            return True
        return bool(self.endpoint and self.action and _since(self.endpoint.created_at, self.action.started_at))

    @property
    def attempted(self) -> bool:
        """Whether the endpoint was touched during this release.

        Where the stack failed before it came to the endpoint, something else changed that, such as autoscaling. Else
        what the endpoint tells of itself counts first: CloudFormation's events name an endpoint also where SageMaker
        refused to update it, for want of a quota, say.
        """
        if self.stack and self.stack.failures and not self.stack.endpoint_touched:
            return False
        if any(s.pending_config or s.endpoint_status in {"Creating", "Updating"} for s in self.timeline):
            return True
        if self.endpoint and self.action and self.action.started_at:
            return _since(self.endpoint.modified_at, self.action.started_at)
        return bool(self.stack and self.stack.endpoint_touched and self._is_stack_of_this)

    @property
    def deployed(self) -> bool:
        """Whether the deployment says that it succeeded."""
        if self.action is not None:
            return self.action.status == "Succeeded"
        complete = self.stack is not None and self.stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        return complete and self._is_stack_of_this

    @property
    def reached_endpoint(self) -> bool:
        """Whether this release came as far as the endpoint, by what was seen of that or by what the deployment says."""
        return self.attempted or self.deployed

    @property
    def _is_stack_of_this(self) -> bool:
        """Whether what the stack tells is about this release: without a pipeline it may tell of an earlier one."""
        return self.action is not None or self._holds_this

    @property
    def served_meanwhile(self) -> bool:
        """Whether the release that was asked for was seen in service, though it may not serve now."""
        own = {each.name for each in (self.tried, self.previous) if each and each.release_id == self.asked.release_id}
        return any(s.endpoint_status == "InService" and s.config_name in own for s in self.timeline)

    @property
    def served_before(self) -> bool:
        """Whether the release that was asked for had been verified to serve before this deployment changed nothing."""
        told = parse_outcome(self.stack.outcome) if self.stack and self._holds_this else None
        return told is not None and told.outcome.served

    @property
    def _holds_this(self) -> bool:
        return self.stack is not None and self.stack.release_id == self.asked.release_id

    @property
    def seconds_taken(self) -> float | None:
        """How long the update of the endpoint took, None where its beginning was not seen."""
        starts = [s.update_started_at for s in self.timeline if s.update_started_at]
        if not starts or self.endpoint is None:
            return None
        return (self.endpoint.modified_at - min(starts)).total_seconds()


def _since(moment: datetime, start: datetime | None) -> bool:
    # Some services tell whole seconds.
    return start is not None and moment >= start.replace(microsecond=0)
