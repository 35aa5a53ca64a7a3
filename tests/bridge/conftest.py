import pytest

from sartor.bridge import OfflineBridge


@pytest.fixture(scope="session")
def bridge() -> OfflineBridge:
    """One for the whole run: its language data take seconds to load."""
    bridge = OfflineBridge()
    bridge.load()
    return bridge
