"""What can go wrong with the local stack, each said so that a newcomer can act on it."""


class StackError(Exception):
    """The local stack cannot do what was asked. The message is one sentence with its remedy."""


class MissingToolError(StackError):
    """The machine lacks a program that the stack needs."""


class StartError(StackError):
    """A process ended, or was not ready in time. The message carries the end of its log."""


class PortTakenError(StackError):
    """Somebody else listens on a port that the stack needs."""
