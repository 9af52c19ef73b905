"""A board of images: where there is none, the page shows through."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.plots.sets_samples import strip


@pytest.mark.parametrize("channels", [1, 3])
def test_images_stand_where_they_should_and_nothing_stands_elsewhere(channels: int) -> None:
    images = np.arange(5 * channels * 4, dtype=float).reshape(5, channels, 2, 2)
    board = np.asarray(Image.open(io.BytesIO(strip(images, 3, scale=1))))
    assert board.shape == (5, 8, 4)
    assert (board[:2, 3:5, :3] == images[1].transpose(1, 2, 0)).all() and (board[:2, 3:5, 3] == 255).all()
    assert (board[:, 2, 3] == 0).all() and (board[3:, 6:, 3] == 0).all()
    assert board[..., 3].sum() == 255 * 5 * 4
