"""Which device the processes of a job compute on."""

import ray

from samesense.encoder.options import Device


def on_gpu(device: Device, *, processes: int) -> bool:
    """Tell whether each of a job's processes asks Ray for a GPU: ``auto`` if there are enough."""
    gpus = ray.cluster_resources().get("GPU", 0)
    return device == "gpu" or (device == "auto" and gpus >= processes)
