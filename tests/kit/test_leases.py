"""Who counts as dead, and when nobody may."""

from __future__ import annotations

import time

import pytest

from sartor.kit.database import Database
from sartor.kit.leases import Leases

LEASE = 0.5


def test_those_are_dead_who_do_not_renew(database: Database) -> None:
    own, other = Leases(database, "own", LEASE), Leases(database, "other", LEASE)
    own.renew()
    other.renew()
    assert own.dead({"own", "other", "unknown"}) == ["unknown"]
    for _ in range(4):
        time.sleep(LEASE / 3)
        own.renew()
    assert own.dead({"own", "other"}) == ["other"], "nobody says so of itself"
    other.renew()
    assert own.dead({"other"}) == []
    other.release()
    assert own.dead({"other"}) == ["other"]


def test_after_an_outage_the_others_may_renew_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Leases(database, "own", LEASE)
    own.renew()
    assert own.dead({"other"}) == ["other"], "nothing is known of an outage when a process starts"
    with monkeypatch.context() as away:
        away.setattr(own, "_write", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            own.renew()
    assert own.dead({"other"}) == ["other"], "one renewal that failed is no outage yet"
    time.sleep(LEASE + 0.1)
    assert own.dead({"other"}) == [], "its own lease is over, too"
    own.renew()
    assert own.dead({"other"}) == [], "the others may be about to renew theirs"
    for _ in range(4):
        time.sleep(LEASE / 3)
        own.renew()
    assert own.dead({"other"}) == ["other"]
