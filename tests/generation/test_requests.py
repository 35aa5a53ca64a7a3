"""Repeats and lists of requests over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from sartor.kit.idempotency import IdempotencyKey, digest_of
from tests.conftest import Service, Tenant
from tests.generation.test_endpoints import IMAGE, STRUCTURED, body, error_of

KEY = "Idempotency-Key"


def test_a_repeated_key_is_one_request(tenant: Tenant) -> None:
    first = tenant.post(IMAGE, body(), headers={KEY: "order-1"})
    again = tenant.post(IMAGE, body(), headers={KEY: "order-1"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert [row["request_id"] for row in tenant.get("/v2/requests").json()["requests"]] == [first.json()["request_id"]]


def test_a_repeated_key_gives_the_same_image(tenant: Tenant) -> None:
    first = tenant.post(IMAGE, body(sync=True), headers={KEY: "order-2"}).json()
    again = tenant.post(IMAGE, body(sync=True), headers={KEY: "order-2"}).json()
    assert again["seed"] == first["seed"]  # one was drawn, once
    assert again["request_id"] == first["request_id"]


def test_a_repeated_key_gives_the_same_error(tenant: Tenant) -> None:
    refused = body(sync=True, prompt="a naked woman")
    first, again = (tenant.post(IMAGE, refused, headers={KEY: "order-5"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.json() == first.json()
    assert tenant.settled(again.json()["request_id"])["status"] == "ERROR"


def test_what_is_null_and_what_is_not_there_are_the_same_body(tenant: Tenant) -> None:
    answers = [tenant.post(IMAGE, body(**more), headers={KEY: "order-6"}).json() for more in ({}, {"caching": None})]
    assert answers[0] == answers[1]


def test_fields_that_come_later_do_not_make_the_same_body_another(tenant: Tenant, service: Service) -> None:
    tenant.post(IMAGE, {"tailored_model_id": "paper-garden", "prompt": "an apple"}, headers={KEY: "order-7"})
    with service.parts.database.transaction() as session:
        claimed = session.scalars(sa.select(IdempotencyKey).where(IdempotencyKey.key == "order-7")).one()
    said = {"tailored_model_id": "paper-garden", "prompt": "an apple"}
    assert claimed.digest == digest_of("image", said)


def test_a_key_with_another_body_is_refused(tenant: Tenant) -> None:
    tenant.post(IMAGE, body(), headers={KEY: "order-3"})
    for path, other in ((IMAGE, body(seed=1)), (STRUCTURED, body())):
        assert KEY in error_of(tenant.post(path, other, headers={KEY: "order-3"}), 422)["details"]


def test_keys_of_tenants_are_apart(tenant: Tenant, other_tenant: Tenant) -> None:
    ids = {one.post(IMAGE, body(), headers={KEY: "same"}).json()["request_id"] for one in (tenant, other_tenant)}
    assert len(ids) == 2


def test_a_refused_request_claims_no_key(tenant: Tenant) -> None:
    error_of(tenant.post(IMAGE, body(tailored_model_id="999999"), headers={KEY: "order-4"}), 403)
    assert tenant.post(IMAGE, body(), headers={KEY: "order-4"}).status_code == 202


def test_the_same_key_at_the_same_moment(tenant: Tenant) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tenant.post(IMAGE, body(), headers={KEY: "race"}), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["request_id"] for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/v2/requests", "/requests"])
def test_strangers(service: Service, path: str) -> None:
    error_of(service.client.get(path), 401)


def test_pages_show_every_request_once_newest_first(tenant: Tenant, other_tenant: Tenant) -> None:
    made = [tenant.image({"prompt": "a cat"}).json()["request_id"] for _ in range(5)]
    other_tenant.image({"prompt": "a dog"})
    seen: list[str] = []
    cursor = None
    for size in (2, 2, 1):
        page = tenant.get("/v2/requests", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["requests"]) == size
        seen += [row["request_id"] for row in page["requests"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == made[::-1]


def test_a_listed_request_says_what_its_status_says(tenant: Tenant) -> None:
    request_id = tenant.image({"prompt": "a cat"}).json()["request_id"]
    status = tenant.settled(request_id)
    (row,) = tenant.get("/v2/requests", params={"status": "COMPLETED"}).json()["requests"]
    assert row | status == row
    assert (row["kind"], row["finished_at"] > row["created_at"]) == ("image", True)
    assert tenant.get("/v2/requests", params={"status": "ERROR"}).json() == {"requests": [], "next_cursor": None}


# "0001-01-01T00:00:00+14:00" and an id: a moment before the first that there is in UTC.
BEFORE_TIME = "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDE="


@pytest.mark.parametrize(
    "query",
    [f"cursor={BEFORE_TIME}", "limit=0", "limit=101", "limit=x", "status=DONE", "cursor=x", "cursor=YSBi", "cursor="],
)
def test_wrong_queries_are_422(tenant: Tenant, query: str) -> None:
    error_of(tenant.get(f"/v2/requests?{query}"), 422)
