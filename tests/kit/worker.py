"""A worker process for test_recovery: does the first step of its job, says so in a file, and hangs in the second."""

import sys
import time
from datetime import timedelta
from pathlib import Path

from sartor.kit.database import Database
from sartor.kit.jobs import Job, Jobs, Queue
from sartor.kit.steps import interruptible_step, step


def main(url: str, notes: Path) -> None:
    def note(line: str) -> None:
        with notes.open("a") as file:
            file.write(line + "\n")

    def hang(stop: object) -> None:
        note("second")
        time.sleep(600)

    async def work(job_id: str) -> None:
        await step("first", note, "first")
        await interruptible_step("second", hang)

    database = Database(url)
    jobs = Jobs(database, poll=timedelta(seconds=0.02), lease=timedelta(seconds=1.2))
    jobs.add(Job("work", Queue("test", window=2, per_tenant=2), work, on_lost=lambda job: None))
    jobs.start()
    with database.transaction() as session:
        jobs.enqueue(session, "work", "a", tenant="1")
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
