"""What each provider of actions and rules does. A runner returns where it has succeeded and raises where it has not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tidegate_sandbox.services.codepipeline.execution import ActionExecution, Execution, Revision, RuleExecution


class ActionFailedError(Exception):
    """An action or a rule failed: `code` as CodePipeline names it, nothing for a rule not met, and a sentence."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Work:
    """A run of an action or a rule, its configuration resolved, and what a runner needs besides.

    `wait` returns once its condition holds (True), or nobody waits for the run any more or the seconds of the
    sandbox's clock have passed (False); the condition is looked at again after each `announce` to the pipeline.
    """

    execution: Execution
    run: ActionExecution | RuleExecution
    wait: Callable[[Callable[[], bool], float], bool]
    announce: Callable[[], None]

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more, also where its stage has been retried since and runs it anew."""
        return self.execution.abandoned or self.run.is_done

    @property
    def configuration(self) -> Mapping[str, str]:
        """The configuration of the action or the rule."""
        return self.run.configuration


@dataclass(frozen=True)
class Task(Work):
    """A run of an action."""

    run: ActionExecution


@dataclass(frozen=True)
class Outcome:
    """What has succeeded leaves: output variables, and of a source action the revision."""

    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Revision | None = None


Runner = Callable[[Task], Outcome]
