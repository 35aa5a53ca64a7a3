"""A storage that is silent for minutes keeps those waiting who need it, and nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sartor.console.session import COOKIE
from sartor.kit.threads import THREADS
from tests.conftest import Service, Tenant

V1 = "/v1/tailored-gen"
# More than the framework has threads, and no more than may wait.
_CALLS = 44


@pytest.mark.parametrize(
    ("method", "path", "part", "name"),
    [
        ("DELETE", f"{V1}/projects/1", "projects", "delete"),
        ("DELETE", f"{V1}/datasets/1", "datasets", "delete"),
        ("DELETE", f"{V1}/datasets/1/images/1", "images", "delete"),
        ("DELETE", f"{V1}/models/1", "lifecycle", "delete"),
        ("DELETE", f"{V1}/models/1/checkpoints/100", "checkpoints", "delete"),
        ("GET", f"{V1}/models/1/download", "downloads", "download"),
        ("POST", "/console/models/1/delete", "lifecycle", "delete"),
        ("POST", "/console/projects/1/delete", "projects", "delete"),
    ],
)
def test_calls_that_wait_for_it_leave_room(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, method: str, path: str, part: str, name: str
) -> None:
    answer, waiting = threading.Event(), threading.Semaphore(0)

    def silent(*_: object) -> None:
        waiting.release()
        answer.wait(60)
        raise KeyError("whatever it says in the end")

    monkeypatch.setattr(getattr(service.parts, part), name, silent)
    client = service.client
    headers = tenant.headers | {"Cookie": f"{COOKIE}={tenant.token}"}
    with ThreadPoolExecutor(_CALLS + 1) as hands:
        try:
            for _ in range(_CALLS):
                hands.submit(client.request, method, path, headers=headers)
            for _ in range(THREADS):
                assert waiting.acquire(timeout=30)
            assert hands.submit(tenant.get, "/v2/requests").result(10).status_code == 200
        finally:
            answer.set()
