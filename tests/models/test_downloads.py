"""Models that are downloaded, with their cards."""

import pytest

from tests.conftest import BRAND, SCHEMA, Service, Tenant
from tests.models.conftest import LIST, bundled, downloaded, own_model, with_checkpoints


def test_a_download(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, visual_schema=SCHEMA)
    answer = tenant.get(f"{LIST}/{model_id}/download")
    assert answer.status_code == 200
    assert answer.json()["base_model_name"] == "Sartor embedded"
    card = tenant.client.get(answer.json()["model_card_url"]).text
    assert "soft pastel colors" in card
    assert "load_lora_weights" in card
    assert "- Version: 250\n" in card
    assert "Its score is 0.5000: how far samples" in card
    assert "num_single_layers" in tenant.client.get(answer.json()["base_model_card"]).text
    path = answer.json()["download_url"].partition("?")[0]
    assert tenant.client.get(path).status_code == 404, "without its signature it is not there"


@pytest.mark.parametrize("status", ["Created", "InProgress", "Stopping", "Stopped", "Failed"])
def test_what_is_not_trained_cannot_be_downloaded(service: Service, tenant: Tenant, status: str) -> None:
    assert tenant.get(f"{LIST}/{own_model(service, tenant, status=status)}/download").status_code == 400


def test_bundled_models_can_be_downloaded(service: Service, tenant: Tenant) -> None:
    file = service.parts.settings.home / "brands" / BRAND / "pytorch_lora_weights.safetensors"
    assert downloaded(tenant, bundled(tenant)["id"]) == file.read_bytes()
