"""How the sandbox refuses: as AWS would."""


class AwsError(Exception):
    """An error as AWS would answer it: `code` as botocore names it, and a sentence."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class UnknownKeyError(AwsError):
    """A request that is signed with the key of a session which nobody has, or whose time is over."""
