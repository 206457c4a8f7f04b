"""CodeConnections, under both of its names: everything is checked on the connection, or on the host."""

from tidegate_sandbox.authorisation.table import ANY, Table

_CONNECTION, _HOST, _EITHER = ("{ConnectionArn}",), ("{HostArn}",), ("{ResourceArn}",)


def table(namespace: str) -> Table:
    """Return the table of the service under one of its names."""
    return Table(
        namespace=namespace,
        passed_to="",
        resources={
            **dict.fromkeys(("DeleteConnection", "GetConnection"), _CONNECTION),
            **dict.fromkeys(("ListTagsForResource", "TagResource", "UntagResource"), _EITHER),
            "GetHost": _HOST,
            "ListConnections": ANY,
        },
        tagging=(f"{namespace}:TagResource", None),
    )
