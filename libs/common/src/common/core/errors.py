"""The three ways handling a message may fail; anything else crashes loudly, as wrong settings do."""


class MadoguchiError(Exception):
    """Base of every error that this product raises on purpose."""


class TransientError(MadoguchiError):
    """A dependency is away or slow. Trying again later may succeed; nothing was acknowledged."""


class PoisonError(MadoguchiError):
    """This very message can never be handled. It goes to the dead-letter topic with its bytes.

    `reason` is a short stable code such as `bad-json`; `detail` is for people.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SettingsError(MadoguchiError):
    """What the environment says cannot be used. The message names the setting."""


class BackPressureError(MadoguchiError):
    """We are full. The sender should slow down; nothing was acknowledged."""
