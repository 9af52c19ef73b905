"""The joint model: draws, mixing, and a short real training that beats the mean encoder where the mean is blind."""

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.simulators.families import FamilyConfig, simulate_family
from core.models.gde import gde
from core.models.gde.data import SetData, SetSpec, draw, prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.models.gde.mixers import DirichletConfig, DirichletMixer, mix
from core.training.clock import TrainingClock
from tests.sets import from_groups


def counted(sizes: list[int]) -> SetData:
    """Sets whose observations are all different numbers."""
    x = np.arange(sum(sizes), dtype=np.float32)[:, None]
    return prepare_sets(from_groups(x, np.repeat([f"s{i}" for i in range(len(sizes))], sizes)), np.arange(len(sizes)))


def test_context_and_query_are_disjoint_parts_of_their_set_without_replacement() -> None:
    data = counted([40, 100])
    for seed in range(20):
        torch.manual_seed(seed)
        context, query = draw(data, torch.tensor([0, 1]), 24, 16)
        for i, (low, high) in enumerate([(0, 40), (40, 140)]):
            mine = torch.cat([context[i], query[i]]).flatten().tolist()
            assert len(set(mine)) == 40
            assert all(low <= v < high for v in mine)


@pytest.mark.parametrize("size", [2, 3, 5, 17, 39])
def test_small_sets_are_divided_and_repeat_their_own_part(size: int) -> None:
    data = counted([size])
    context, query = draw(data, torch.tensor([0]), 24, 16)
    a, b = set(context.flatten().tolist()), set(query.flatten().tolist())
    assert not a & b
    assert a | b == set(range(size))


def test_a_set_of_one_serves_both() -> None:
    context, query = draw(counted([1]), torch.tensor([0]), 4, 2)
    assert context.unique().tolist() == query.unique().tolist() == [0.0]


def test_every_observation_is_drawn_equally_often() -> None:
    data = counted([30])
    torch.manual_seed(0)
    drawn = torch.cat([draw(data, torch.tensor([0]), 5, 5)[0].flatten() for _ in range(3000)])
    counts = torch.bincount(drawn.long(), minlength=30)
    assert counts.min() > 400 and counts.max() < 600


def test_mixing_weights_sum_to_one_and_are_those_of_the_observations() -> None:
    torch.manual_seed(0)
    mixer = DirichletMixer(DirichletConfig(k=3))
    weights = mixer.weights(8, torch.device("cpu"))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(8))
    assert ((weights > 0).sum(dim=1) <= 3).all()
    x = torch.arange(8.0)[:, None, None].expand(8, 20_000, 1)
    shares = torch.stack([(mix(x, weights)[..., 0] == v).float().mean(dim=1) for v in range(8)], dim=1)
    torch.testing.assert_close(shares, weights, atol=0.02, rtol=0)


def test_the_spec_survives_its_json() -> None:
    spec = SetSpec((1, 8, 8), "image", [], 12, ["a", "b"])
    assert SetSpec.from_dict(spec.to_dict()) == spec


def train(encoder: str, steps: int) -> tuple[GDE, torch.Tensor, np.ndarray]:
    """A GDE on sets that differ in covariance alone; held-out sets and their true variances."""
    torch.manual_seed(0)
    data = prepare_sets(
        simulate_family(FamilyConfig(family="covariance_only", sets=600, observations=200)), np.arange(600)
    )
    training = TrainingConfig(learning_rate=3e-3, batch_size=32)
    parts = {
        "encoder": {"name": encoder, **({} if encoder == "mean" else {"width": 48, "depth": 1, "rounds": 1})},
        "generator": {"name": "cvae", "width": 48, "depth": 1},
        "mixer": {"name": "none"},
    }
    model = GDE(GDEConfig(latent=8, query=64, context_max=128), data.spec, training, parts)
    model.prepare(data)
    model.train()
    clock = TrainingClock(1, steps)
    for _ in range(steps):
        model.steps(data.index(torch.randint(600, (32,))), clock)
        clock.tick()
    held = simulate_family(FamilyConfig(family="covariance_only", sets=60, observations=1000, seed=9))
    x = torch.from_numpy(held.observations.reshape(60, 1000, 2))
    return model.eval(), x, held.truth["covariance"]


def test_the_latent_carries_the_covariance_which_the_mean_encoder_cannot() -> None:
    def explained(encoder: str) -> float:
        model, x, covariance = train(encoder, 150)
        z = model.encode(x).numpy()
        target = np.log(covariance[:, 0, 0])
        design = np.column_stack([z, np.ones(len(z))])
        rng = np.random.default_rng(0).permutation(len(z))
        fit, test = rng[:40], rng[40:]
        weights = np.linalg.lstsq(design[fit], target[fit], rcond=1e-3)[0]
        return 1 - np.square(target[test] - design[test] @ weights).mean() / target[test].var()

    assert explained("resnet_gnn") > 0.8
    assert explained("mean") < 0.3


def test_generated_sets_have_the_variance_of_the_encoded_ones_and_follow_the_seed() -> None:
    model, x, _ = train("resnet_gnn", 150)
    z = model.encode(x)
    rng = lambda: torch.Generator().manual_seed(0)  # noqa: E731
    y = model.sample(500, z, rng())
    assert torch.equal(y, model.sample(500, z, rng()))
    ratio = (y.var(dim=1).sum(dim=1) / x.var(dim=1).sum(dim=1)).median()
    assert 0.75 < ratio < 1.25
    spread = model.uncertainty(x[0, :100]).trace(), model.uncertainty(x[0]).trace()
    assert spread[0] > 3 * spread[1]  # ten times the observations, about a tenth of the variance


def test_a_whole_set_and_its_stream_have_one_latent() -> None:
    model, x, _ = train("resnet_gnn", 2)
    torch.testing.assert_close(model.encode_set(x[0].numpy(), chunk=64), model.encode(x[:1])[0], atol=1e-5, rtol=1e-4)


def test_state_and_load_restore_the_model() -> None:
    model, x, _ = train("resnet_gnn", 3)
    other, _, _ = train("resnet_gnn", 1)
    other.load(model.state())
    torch.testing.assert_close(other.encode(x), model.encode(x))


def test_sets_of_one_observation_teach_no_generator_but_where_there_are_no_others() -> None:
    sizes = torch.tensor([1, 5, 1, 2])
    assert gde._with_spread(sizes, torch.eye(4)).tolist() == [False, True, False, True]
    mixed = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.6, 0.0, 0.4, 0.0], [0.0, 0.0, 0.7, 0.3], [0.0, 0.0, 0.0, 1.0]])
    assert gde._with_spread(sizes, mixed).tolist() == [True, False, False, True]
    assert gde._with_spread(torch.ones(3), torch.eye(3)).all()
