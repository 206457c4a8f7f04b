"""Every model of the stage file, for tests that hold of each."""

from pydantic import BaseModel

from tidegate.stage.partial import models_in


def every_model(*roots: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models and all that are in them, in the order of their names."""
    found: set[type[BaseModel]] = set()
    waiting = list(roots)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [each for field in model.model_fields.values() for each in models_in(field.annotation)]
    return sorted(found, key=lambda model: model.__name__)
