"""The service under load, over HTTP on loopback: how long until it says 202, begins the job, has the result.

    python -m benchmarks.service                          # the engine that costs nothing
    python -m benchmarks.service --checkpoint embedded --requests 40
    python -m benchmarks.service --database postgresql://...   # instead of a SQLite file

Two loads on one server process of its own, on SQLite in an empty folder: one client that waits for each result, which
shows latencies, and `--clients` at once with `--requests` in all, which shows that nothing is lost and nothing done
twice. Every request is a recreation with a seed of its own, so that each image's bytes can be compared with those of
the same request sent again at the end. Bounded: it ends by itself.
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from rich.progress import Progress

from sartor.accounts.service import Accounts
from sartor.cli.launch import running_server
from sartor.generation.tables import GenerationRequest
from sartor.kit.database import Database
from sartor.settings import Settings

IMAGE = "/v2/image/generate/tailored"
SCENE = '{"short_description":"a red apple","objects":[{"description":"apple","shape_and_color":"red"}]}'
LONGEST_WAIT = 900  # seconds for one result
LOOKS = 0.05  # seconds between two looks at a status


@dataclass(frozen=True)
class Answered:
    """One request as its client saw it: seconds from sending to the 202 and to the result, and the image's bytes."""

    request_id: str
    accepted: float
    finished: float
    image: bytes


def ask(client: httpx.Client, model: str, seed: int) -> Answered:
    """Sends one asynchronous request and waits for its image. Raises RuntimeError where it does not come."""
    began = time.perf_counter()
    body = {"tailored_model_id": model, "structured_prompt": SCENE, "seed": seed, "steps_num": 20}
    answer = client.post(IMAGE, json=body)
    accepted = time.perf_counter() - began
    if answer.status_code != 202:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    request_id, status_url = answer.json()["request_id"], answer.json()["status_url"]
    while time.perf_counter() - began < LONGEST_WAIT:
        status: dict[str, Any] = client.get(status_url).json()
        if status["status"] == "COMPLETED":
            finished = time.perf_counter() - began
            return Answered(request_id, accepted, finished, client.get(status["result"]["image_url"]).content)
        if status["status"] != "IN_PROGRESS":
            raise RuntimeError(str(status))
        time.sleep(LOOKS)
    raise RuntimeError(f"{request_id} did not end within {LONGEST_WAIT} s")


def starts(database: Database, answered: list[Answered]) -> list[float]:
    """Seconds from the request's row to the beginning of its job's first step, by the service's own clock."""
    ids = [one.request_id for one in answered]
    query = sa.select(GenerationRequest.created_at, GenerationRequest.started_at).where(GenerationRequest.id.in_(ids))
    with database.transaction() as session:
        return [(started - created).total_seconds() for created, started in session.execute(query) if started]


def show(title: str, answered: list[Answered], started: list[float]) -> None:
    print(f"\n{title}")
    columns = {
        "202": [one.accepted for one in answered],
        "job start": started,
        "result": [one.finished for one in answered],
    }
    for name, seconds in columns.items():
        cuts = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
        print(
            f"  {name:10} p50 {1000 * cuts[9]:8.1f} ms   p95 {1000 * cuts[18]:8.1f} ms   "
            f"largest {1000 * max(seconds):8.1f} ms   n {len(seconds)}"
        )


def load(base: str, token: str, model: str, seeds: range, clients: int, note: str) -> list[Answered]:
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    with (
        httpx.Client(base_url=base, headers={"api_token": token}, timeout=60, trust_env=False, limits=limits) as client,
        Progress(transient=True) as bar,
        ThreadPoolExecutor(clients) as pool,
    ):
        task = bar.add_task(note, total=len(seeds))

        def one(seed: int) -> Answered:
            answered = ask(client, model, seed)
            bar.advance(task)
            return answered

        return list(pool.map(one, seeds))


def verify(base: str, token: str, model: str, answered: list[Answered], home: Path) -> None:
    """Raises RuntimeError where a request was lost, done twice, or would not give the same bytes again."""
    ids = {one.request_id for one in answered}
    images = {path.stem for path in (home / "storage" / "images").glob("*.png")}
    drafts = list((home / "storage" / "drafts").glob("*.png")) if (home / "storage" / "drafts").exists() else []
    if len(ids) != len(answered) or images != ids or drafts:
        raise RuntimeError(f"{len(answered)} answers, {len(ids)} ids, {len(images)} images, {len(drafts)} drafts")
    sample = range(0, len(answered), max(1, len(answered) // 10))
    with httpx.Client(base_url=base, headers={"api_token": token}, timeout=60, trust_env=False) as client:
        for seed in sample:
            if ask(client, model, seed).image != answered[seed].image:
                raise RuntimeError(f"seed {seed} gave other bytes the second time")
    print(
        f"\n{len(answered)} requests, {len(images)} images: none lost, none twice; {len(sample)} sent again: same bytes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Loads a service of its own on loopback")
    parser.add_argument("--checkpoint", default="plain", help="as SARTOR_CHECKPOINT")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--requests", type=int, default=500, help="of all clients together")
    parser.add_argument("--alone", type=int, default=50, help="requests of the single client before")
    parser.add_argument("--database", default="", help="as SARTOR_DATABASE_URL; an empty one")
    parser.add_argument("--model", default="inkwell", help="slug of the model that is asked for")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {
            "SARTOR_HOME": folder,
            "SARTOR_CHECKPOINT": a.checkpoint,
            "SARTOR_DATABASE_URL": a.database,
            "SARTOR_STORAGE_URL": "",
            "SARTOR_PUBLIC_URL": "",
            "SARTOR_RATE_LIMIT": "1000000/minute",
            "SARTOR_READ_RATE_LIMIT": "1000000/minute",
            "SARTOR_LOG_LEVEL": "warning",
        }
        database = Database(a.database or f"sqlite:///{home / 'sartor.db'}")
        with running_server(environment, home / "server.log") as server:
            token = Accounts(database, key=Settings(home=home).key).create_token("benchmark")
            alone = load(server.base, token, a.model, range(a.alone), 1, "one client")
            show(f"One client, {a.alone} requests one after another", alone, starts(database, alone))
            seeds = range(a.alone, a.alone + a.requests)
            began = time.perf_counter()
            crowd = load(server.base, token, a.model, seeds, a.clients, f"{a.clients} clients")
            seconds = time.perf_counter() - began
            show(f"{a.clients} clients, {a.requests} requests", crowd, starts(database, crowd))
            print(f"  {a.requests / seconds:.1f} requests a second")
            verify(server.base, token, a.model, alone + crowd, home)
        database.close()


if __name__ == "__main__":
    main()
