"""Those who read a timeline: pools of connections, so that none keeps another waiting."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.sessions import Questions


class Readers(Struct, frozen=True):
    """`questions` answers what is asked hundreds of times a second, `searcher` searches, `engine` all else."""

    engine: AsyncEngine
    questions: Questions
    searcher: AsyncEngine
