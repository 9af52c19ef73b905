"""What a GDE must not exceed: its Lipschitz bound; and lower precision must stay finite."""

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.simulators.families import FamilyConfig, simulate_family
from core.models.gde.data import prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.models.gde.layers import mlp
from core.training.clock import TrainingClock


def test_a_lipschitz_network_never_stretches_beyond_its_bound() -> None:
    torch.manual_seed(0)
    net, free = mlp([4, 32, 32, 3], lipschitz=True), mlp([4, 32, 32, 3])
    x = torch.randn(500, 4)
    for _ in range(30):  # each forward pass in training mode is one power iteration of every singular value
        net(x)
    y = x + 0.01 * torch.randn_like(x)
    bound = 1.1**2  # SiLU's own slope, once for each hidden layer

    def stretch(f: torch.nn.Module) -> float:
        with torch.no_grad():
            return float(((f(x) - f(y)).norm(dim=1) / (x - y).norm(dim=1)).max())

    assert stretch(net.eval()) <= 1.02 * bound
    assert stretch(free) > bound


@pytest.mark.parametrize("encoder", ["resnet_gnn", "set_transformer"])
def test_a_step_in_bf16_is_finite_and_near_that_in_fp32(encoder: str) -> None:
    data = prepare_sets(simulate_family(FamilyConfig(family="mvn", sets=64, observations=64)), np.arange(64))
    losses = []
    for mixed in (False, True):
        torch.manual_seed(0)
        parts = {"encoder": {"name": encoder}, "generator": {"name": "flow"}, "mixer": {"name": "none"}}
        model = GDE(GDEConfig(), data.spec, TrainingConfig(learning_rate=1e-3, batch_size=16), parts)
        model.prepare(data)
        model.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            values = model.steps(data.index(torch.arange(16)), TrainingClock(1, 10)).values
        losses.append(float(values["loss"]))
    assert np.isfinite(losses).all()
    assert losses[1] == pytest.approx(losses[0], rel=0.1, abs=0.1)
