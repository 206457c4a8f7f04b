"""What holds for the tests of every room."""

from hypothesis import settings

# A law that takes longer on a busy machine is no less a law.
settings.register_profile("rooms", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("rooms")
