"""What ends a training container."""


class UserError(Exception):
    """What the user can mend: a sentence."""


class NotSimulatedError(Exception):
    """What the container can and its stand-in cannot: a sentence."""
