"""Which steps a selective execution runs, and from which it takes what an earlier execution left. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-selective-ex.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegate_sandbox.services.pipelines.definition import Definition, DefinitionError, Step


@dataclass(frozen=True)
class Selection:
    """The steps to run, by name; `reused` are those that they need and that do not run."""

    selected: frozenset[str]
    reused: frozenset[str]

    def first(self, definition: Definition) -> list[Step]:
        """Return the selected steps but for those that a selected condition begins."""
        steps = list(definition.every_step())
        later = {inner.name for step in steps if step.name in self.selected for inner in _branches(step)}
        return [step for step in steps if step.name in self.selected - later]

    def of(self, steps: Iterable[Step]) -> list[Step]:
        """Return those of `steps` that are selected."""
        return [step for step in steps if step.name in self.selected]


def select(definition: Definition, names: Iterable[str]) -> Selection:
    """Return what running `names` alone comes to; DefinitionError, as a sentence, where they cannot be run so."""
    steps = {step.name: step for step in definition.every_step()}
    selected = frozenset(names)
    if unknown := sorted(selected - steps.keys()):
        raise DefinitionError(f"the pipeline has no step {', '.join(unknown)}")
    needs = {name: set(step.needs()) for name, step in steps.items()}
    for name, step in steps.items():
        for inner in _branches(step):
            needs[inner.name].add(name)
    between = {
        name
        for name in steps.keys() - selected
        if _upstream(name, needs) & selected and any(name in _upstream(each, needs) for each in selected)
    }
    if between:
        raise DefinitionError(f"{', '.join(sorted(between))} lies between selected steps, so it has to be selected too")
    if apart := sorted(selected - _connected(selected, needs)):
        raise DefinitionError(f"{', '.join(apart)} is not connected with the other selected steps")
    reused = {need for name in selected for need in steps[name].needs()} - selected
    return Selection(selected, frozenset(reused))


def _branches(step: Step) -> tuple[Step, ...]:
    return (*step.branch(True), *step.branch(False))


def _upstream(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    """Return all that `name` waits for, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        further = needs[waiting.pop()] - found
        found |= further
        waiting += further
    return found


def _connected(selected: frozenset[str], needs: Mapping[str, set[str]]) -> set[str]:
    """Return the part of `selected` that hangs together with its first."""
    found = {min(selected)}
    while True:
        near = {name for name in selected - found if needs[name] & found or any(name in needs[each] for each in found)}
        if not near:
            return found
        found |= near
