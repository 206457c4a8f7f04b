"""What every section of a stage file is."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A section: it never changes, and a key that nobody reads is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
