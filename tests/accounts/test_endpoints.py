"""The door: 401 comes before anything that is said about the rest of a request."""

import pytest

from tests.conftest import BRAND, Service, Tenant

ROUTES = [
    ("GET", "/v1/tailored-gen/models"),
    ("GET", "/v2/tailored-gen/models"),
    ("GET", "/v1/tailored-gen/models/1"),
    ("GET", "/v1/tailored-gen/datasets/no-number"),
    ("POST", "/v2/image/generate/tailored"),
    ("POST", "/image/generate/tailored"),
    ("POST", "/v2/structured_prompt/generate/tailored"),
    ("GET", "/v2/status/unknown"),
    ("GET", "/status/unknown"),
    ("GET", "/v2/requests"),
    ("GET", "/requests"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("headers", [{}, {"api_token": ""}, {"api_token": "wrong"}, {"Authorization": "Bearer x"}])
def test_strangers_learn_nothing(service: Service, method: str, path: str, headers: dict[str, str]) -> None:
    answer = service.client.request(method, path, headers=headers)
    assert answer.status_code == 401
    body = answer.json()
    assert body["error"]["code"] == 401
    assert body["error"]["message"] == "Unauthorized"
    assert body["request_id"] == answer.headers["x-request-id"]


def test_a_model_without_a_number_is_no_address_whoever_asks(service: Service, tenant: Tenant) -> None:
    address = "/v1/tailored-gen/models/no-number"
    assert service.client.get(address).status_code == tenant.get(address).status_code == 404


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_strangers_body_is_not_looked_at(service: Service, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = service.client.post("/v2/image/generate/tailored", content=content, headers=headers)
    assert answer.status_code == 401


def test_the_header_has_an_underscore_and_any_case(service: Service, tenant: Tenant) -> None:
    path = "/v1/tailored-gen/models"
    assert service.client.get(path, headers={"API_TOKEN": tenant.token}).status_code == 200
    assert service.client.get(path, headers={"api-token": tenant.token}).status_code == 401


def test_every_api_route_is_behind_the_door(service: Service, tenant: Tenant) -> None:
    """A route that someone adds without the guard is found here: it answers a stranger otherwise than with 401."""
    openapi = service.client.get("/openapi.json").json()
    for path, verbs in openapi["paths"].items():
        for verb in verbs:
            answer = service.client.request(verb, path.replace("{model_id}", "1").replace("{request_id}", BRAND))
            assert answer.status_code == 401, (verb, path)
            assert verbs[verb]["security"] == [{"api_token": []}]
