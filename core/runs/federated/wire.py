"""What crosses the line between server and site: Flower's messages as bytes, tensors as Flower's arrays."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")  # nothing is sent anywhere; Flower asks at its first import

import numpy as np
from flwr.app import Array, ArrayRecord, Message
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.message_pb2 import Message as WireMessage
from flwr.supercore.task_identity import TaskIdentity

if TYPE_CHECKING:
    from torch import Tensor

ARRAYS, METRICS, FACTS = "arrays", "metrics", "facts"
"""Names of the three records of a message."""

COUNT = "num-examples"  # sets that stand behind a reply: Flower's FedAvg weighs by it
MOMENTS = "sites"  # folder of a run in which each site keeps the moments of its optimiser
SERVER = 0  # node number of the server; sites count from 1


def begin(node: int) -> None:
    """Say which node of the one federation of this process it is, as Flower's messages ask."""
    TaskIdentity.run_id = TaskIdentity.task_id = 1
    TaskIdentity.node_id = node
    logging.getLogger("flwr").setLevel(logging.WARNING)


def packed(message: Message) -> bytes:
    """The message as it crosses the line."""
    return bytes(message_to_proto(message).SerializeToString())


def unpacked(data: bytes) -> Message:
    """The message that `packed` gave."""
    return message_from_proto(WireMessage.FromString(data))


def arrays_of(tensors: Mapping[str, Tensor]) -> ArrayRecord:
    """Tensors as Flower's arrays, copied to the CPU."""
    return ArrayRecord({name: Array(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()})


def tensors_of(arrays: ArrayRecord) -> dict[str, Tensor]:
    """Flower's arrays as tensors."""
    import torch

    return {name: torch.from_numpy(np.array(array.numpy())) for name, array in arrays.items()}
