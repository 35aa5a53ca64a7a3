"""The service held to its own description by schemathesis: thousands of generated requests, one by one and in chains,
against a live server; none is answered with a 5xx, an undeclared status or an undeclared shape."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import write_test_brand
from tests.e2e.conftest import Server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
)
EXAMPLES = 150  # of each operation, in each phase; generation is seeded


def test_every_answer_is_one_that_the_description_declares(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_test_brand(home)
    rates = {"RATE_LIMIT": "1000000/second", "READ_RATE_LIMIT": "1000000/second", "OUTSTANDING_LIMIT": "1000000"}
    server = Server(home, **rates)
    try:
        report = tmp_path / "report.json"
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.base}/openapi.json"),
                *("--header", f"api_token: {server.token()}"),
                *("--checks", ",".join(CHECKS)),
                *("--max-examples", str(EXAMPLES), "--seed", "1", "--generation-deterministic"),
                *("--mode", "all", "--suppress-health-check", "all", "--request-timeout", "60", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        report.write_text(json.dumps(asked.stdout))
    finally:
        server.kill()
    assert asked.returncode == 0, asked.stdout[-8000:] + asked.stderr[-2000:]
    cases = sum(int(found) for found in re.findall(r"(\d+) generated", asked.stdout))
    assert cases > 2000, asked.stdout[-3000:]
