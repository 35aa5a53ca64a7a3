"""What blocks keep for their backward pass is counted, and as many keep theirs as there is room for."""

import pytest
import torch

from sartor.fibo.activations import BACKWARD, Activations, saved_bytes


def test_what_a_product_saves_is_its_inputs() -> None:
    weight = torch.nn.Parameter(torch.randn(8, 8))
    x = torch.randn(4, 8, requires_grad=True)
    assert saved_bytes(lambda: (x * x.exp()).sum()) == 2 * x.nbytes  # x, and its exponential once for two uses
    assert saved_bytes(lambda: x @ weight.t()) == x.nbytes + weight.nbytes
    assert saved_bytes(lambda: x @ weight.t(), [x, weight]) == 0
    with torch.no_grad():
        assert saved_bytes(lambda: x @ weight.t(), [weight]) == x.nbytes


@pytest.mark.parametrize(
    ("room", "checkpointed"), [(-1, 4), (0, 4), (9, 4), (10, 3), (29, 2), (30, 1), (59, 1), (60, 0)]
)
def test_the_last_blocks_keep_theirs_where_not_all_can(room: int, checkpointed: int) -> None:
    activations = Activations((30, 10, 10, 10), inputs=7)
    assert activations.checkpointed(BACKWARD * 30 + 4 * 7 + room) == checkpointed
