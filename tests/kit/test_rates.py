"""Rates: so many in a window for each tenant, whatever counts them."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import limits.storage.memory
import pytest

import sartor.app  # noqa: F401  (every table is known once the composition root is)
from sartor.errors import TooManyRequests, Unavailable
from sartor.kit.database import Database
from sartor.kit.rates import CounterUnavailable, DatabaseCounter, Rates, counter_for, parse_rate


@pytest.fixture(params=["memory", "database"])
def rates(request: pytest.FixtureRequest, database: Database) -> Rates:
    return Rates(counter_for("memory://", database) if request.param == "memory" else DatabaseCounter(database))


def test_one_too_many_is_refused_with_the_time_to_wait(rates: Rates) -> None:
    rate = parse_rate("3/minute")
    for _ in range(3):
        rates.spend(rate, "acme", "work")
    with pytest.raises(TooManyRequests) as refused:
        rates.spend(rate, "acme", "work")
    assert 1 <= refused.value.retry_after <= 60
    assert "3 per 1 minute" in refused.value.details


def test_tenants_and_purposes_are_counted_apart(rates: Rates) -> None:
    rate = parse_rate("1/minute")
    rates.spend(rate, "acme", "work")
    rates.spend(rate, "other", "work")
    rates.spend(rate, "acme", "reading")
    with pytest.raises(TooManyRequests):
        rates.spend(rate, "other", "work")


def test_a_window_ends(rates: Rates) -> None:
    rate = parse_rate("1/second")
    rates.spend(rate, "acme", "work")
    with pytest.raises(TooManyRequests) as refused:
        rates.spend(rate, "acme", "work")
    time.sleep(refused.value.retry_after + 0.1)
    rates.spend(rate, "acme", "work")


def test_threads_share_one_count(rates: Rates) -> None:
    rate = parse_rate("10/hour")

    def ask(_: int) -> bool:
        try:
            rates.spend(rate, "acme", "work")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(40))) == 10


def test_sqlite_counts_in_memory_by_default(database: Database) -> None:
    assert isinstance(counter_for("", database), limits.storage.memory.MemoryStorage)


def test_a_counter_can_be_emptied(database: Database) -> None:
    counter = DatabaseCounter(database)
    assert (counter.incr("a", 60), counter.incr("a", 60), counter.incr("b", 60)) == (1, 2, 1)
    counter.clear("a")
    assert (counter.get("a"), counter.get("b")) == (0, 1)
    assert counter.reset() == 1
    assert counter.check()


@pytest.mark.parametrize("text", ["", "often", "0.5/minute", "5/fortnight"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate limit|granularity"):
        parse_rate(text)


class _Away(limits.storage.memory.MemoryStorage):
    """A server of its own that is gone."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["away"]

    @property
    def base_exceptions(self) -> type[Exception]:
        return ConnectionError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise ConnectionError("refused")


def test_what_counts_is_gone(database: Database) -> None:
    rates = Rates(counter_for("away://", database))
    with pytest.raises(Unavailable, match="counts the requests does not answer"):
        rates.spend(parse_rate("1/minute"), "acme", "work")


@pytest.mark.parametrize("url", ["nowhere://:secret@host", "async+memory://:secret@host"])
def test_where_nothing_can_be_counted(database: Database, url: str) -> None:
    with pytest.raises(CounterUnavailable) as refused:
        counter_for(url, database)
    assert "secret" not in str(refused.value)
