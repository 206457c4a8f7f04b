"""Turns the properties of a CloudFormation resource into the parameters of the API call that makes it."""

from typing import Any

from tidegate_sandbox.service_models import service_model


def as_parameters(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return `properties` (PascalCase, numbers and booleans perhaps as text) as the input of `operation`.

    Raise ValueError, as a sentence, for a property that the operation does not take.
    """
    converted: dict[str, Any] = _convert(service_model(service).operation_model(operation).input_shape, properties, "")
    return converted


def _convert(shape: Any, value: Any, where: str) -> Any:
    if shape.type_name == "structure":
        return _structure(shape, value, where)
    if shape.type_name == "list":
        return [_convert(shape.member, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if shape.type_name == "map":
        return {str(key): _convert(shape.value, item, f"{where}.{key}") for key, item in value.items()}
    if shape.type_name == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if shape.type_name in ("integer", "long"):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise ValueError(f"{where} is {value!r} and must be a whole number") from None
    if shape.type_name in ("float", "double"):
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{where} is {value!r} and must be a number") from None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _structure(shape: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - what fails a resource is a ValueError
            f"{where} is {value!r} and must be an object with {', '.join(shape.members)}"
        )
    # CloudFormation spells a member as the API does but for case: BuildSpec is buildspec.
    members = {name.lower(): name for name in shape.members}
    converted = {}
    for key, item in value.items():
        name = members.get(key.lower())
        path = f"{where}.{key}" if where else key
        if name is None:
            raise ValueError(f"{path} is not a property that the local simulation knows")
        converted[name] = _convert(shape.members[name], item, path)
    return converted
