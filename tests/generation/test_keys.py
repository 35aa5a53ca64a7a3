"""Which images and drafts are needed still."""

from __future__ import annotations

import uuid

from sartor.accounts.tables import Organisation
from sartor.generation.keys import KEYSPACES, draft_key, image_key, needed
from sartor.generation.tables import COMPLETED, ERROR, IN_PROGRESS, GenerationRequest
from sartor.kit.database import Database
from sartor.models.tables import Model

IN_WORK, DONE, FAILED, FAILED_LATE, FORGOTTEN = (str(uuid.uuid4()) for _ in range(5))


def test_images_that_requests_lead_to_and_both_keys_of_one_in_progress(database: Database) -> None:
    with database.transaction() as session:
        owner, model = Organisation(name="acme"), Model(name="Mine")
        session.add_all([owner, model])
        session.flush()
        for request_id, status, key in [
            (IN_WORK, IN_PROGRESS, None),
            (DONE, COMPLETED, image_key(DONE)),
            (FAILED, ERROR, None),
            (FAILED_LATE, ERROR, image_key(FAILED_LATE)),
        ]:
            session.add(
                GenerationRequest(
                    id=request_id,
                    organisation_id=owner.id,
                    model_id=model.id,
                    kind="image",
                    seed=1,
                    options={},
                    status=status,
                    image_key=key,
                )
            )
    everyone = IN_WORK, DONE, FAILED, FAILED_LATE, FORGOTTEN
    keys = [key(request_id) for request_id in everyone for key in (draft_key, image_key)]
    with database.transaction() as session:
        assert needed(session, keys) == {
            draft_key(IN_WORK),
            image_key(IN_WORK),
            image_key(DONE),
            image_key(FAILED_LATE),
        }
        assert needed(session, keys[-2:]) == set()
    for key in keys:
        assert [space.prefix for space in KEYSPACES if space.pattern.fullmatch(key)] == [key.partition("/")[0]]
