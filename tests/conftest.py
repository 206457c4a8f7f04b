"""What holds for the tests of every room."""

from hypothesis import settings

# A law that takes longer on a busy machine is no less a law.
settings.register_profile("rooms", deadline=None)
settings.load_profile("rooms")
