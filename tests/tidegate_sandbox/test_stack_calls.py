"""What CloudFormation calls for a resource is what its schema says; the permissions of the schemas are kept beside."""

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from tidegate_sandbox.authorisation.stacks import NO_SCHEMA, handlers, of_schemas

STEPS = ("create", "read", "update", "delete")


def permissions(kind: str) -> dict[str, list[str]]:
    """Return the lines of handlers.json: what the schema of a type, as cfn-lint has it, names for each step."""
    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    return {step: sorted(set(found[step]["permissions"])) for step in STEPS if step in found}


def test_then_what_is_kept_is_what_the_schemas_say() -> None:
    assert {kind: permissions(kind) for kind in of_schemas()} == of_schemas()


@pytest.mark.parametrize("kind", sorted(NO_SCHEMA))
def test_then_a_type_that_is_described_here_has_no_permissions_in_its_schema(kind: str) -> None:
    with pytest.raises((ResourceNotFoundError, KeyError)):
        permissions(kind)


def test_then_a_custom_resource_calls_its_function_and_what_is_not_known_is_not_made_up() -> None:
    assert handlers("Custom::Anything")["create"] == {"lambda:InvokeFunction"}
    assert handlers("AWS::Nothing::Known") == {}
