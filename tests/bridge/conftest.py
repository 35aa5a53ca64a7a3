from collections.abc import Iterator

import pytest

from sartor.bridge import OfflineBridge
from tests.bridge.language_model.gemini_server import GeminiServer, serving


@pytest.fixture(scope="session")
def bridge() -> OfflineBridge:
    """One for the whole run: its language data take seconds to load."""
    bridge = OfflineBridge()
    bridge.load()
    return bridge


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    """A server that answers as Gemini does; a test says what with ``gemini.answers``."""
    with serving() as server:
        yield server
