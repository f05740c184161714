"""Starting a process without paying for what nobody needs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Look for no garbage while a program's modules are imported: they make hardly any.

    They make values by the hundred thousand, though, and what Python takes for an occasion to look
    through all of them, again and again, was a fifth of a start. What was imported is not looked
    through later either: it lives as long as the process.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
