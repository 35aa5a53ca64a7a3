"""Long calls have threads of their own, and a queue that ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sartor.errors import TooManyRequests
from sartor.kit import threads
from sartor.kit.threads import slowly


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "THREADS", 1)
    monkeypatch.setattr(threads, "WAITING", 1)


@pytest.mark.usefixtures("narrow")
def test_one_more_than_may_wait_is_refused_unless_it_is_patient() -> None:
    gate = threading.Event()

    async def several() -> list[str | BaseException]:
        calls = [asyncio.ensure_future(slowly(gate.wait, 10))]
        await asyncio.sleep(0.1)
        calls.append(asyncio.ensure_future(slowly(str.upper, "waits")))
        await asyncio.sleep(0.1)
        calls.append(asyncio.ensure_future(slowly(str.upper, "refused")))
        calls.append(asyncio.ensure_future(slowly(str.upper, "patient", patient=True)))
        await asyncio.sleep(0.1)
        gate.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    first, second, third, fourth = asyncio.run(several())
    assert (first, second, fourth) == (True, "WAITS", "PATIENT")
    assert isinstance(third, TooManyRequests)
    assert third.retry_after > 0


def test_other_threads_stay_free() -> None:
    """As many long calls as the framework has threads, and a short one beside them."""
    gate = threading.Event()

    async def crowd() -> None:
        calls = [asyncio.ensure_future(slowly(gate.wait, 10)) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(asyncio.to_thread(str.upper, "short"), 5) == "SHORT"
        gate.set()
        await asyncio.gather(*calls)

    asyncio.run(crowd())


def test_errors_come_out() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(slowly(lambda: 1 / 0))
