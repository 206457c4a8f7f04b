"""Real git behind the sandbox's git hosts: bare repositories, and git's smart http protocol."""

from tidegate_sandbox.git.bare import NO_COMMIT, BareRepository, CommitDetails
from tidegate_sandbox.git.http import answer, basic_user, serve

__all__ = ["NO_COMMIT", "BareRepository", "CommitDetails", "answer", "basic_user", "serve"]
