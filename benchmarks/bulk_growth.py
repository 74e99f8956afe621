"""What more images cost a bulk job: time an image, and the driver's memory.

Small images and a small model, from an S3 server into a real Milvus server, as a local index would
lie in the driver's own memory. The smaller bucket goes first: a process' peak never goes down.
"""

import resource
import tempfile
from pathlib import Path

from _milvus import milvus_server
from _s3 import s3_server
from _setting import arguments, report, untrained, write_images
from bulk import embed

from samesense.cli.cluster import cluster
from samesense.encoder.scratch import build_idefics3

MIB_IN_KIB = 1 << 10


def growth(place: Path, *, bucket: str, few: int, many: int) -> None:
    """Compare time an image and the driver's peak over buckets of different size."""
    build_idefics3(place / "small", words=[], seed=0)
    artefact = untrained(place / "small-model", backbone=str(place / "small"))
    seconds, peak_mib = {}, {}
    with milvus_server() as milvus:
        for count in (few, many):
            with cluster():
                _, seconds[count] = embed(
                    place / str(count), f"{bucket}/small/{count}", artefact, milvus=milvus
                )
            peak_mib[count] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB_IN_KIB
    report(
        "bulk.growth",
        ratio=seconds[many] / many / (seconds[few] / few),
        bar=1.1,
        images=many,
        ms_an_image=1000 * seconds[many] / many,
        images_few=few,
        ms_an_image_few=1000 * seconds[few] / few,
    )
    report(
        "bulk.driver_memory",
        ratio=peak_mib[many] / peak_mib[few],
        bar=1.2,
        peak_mib=peak_mib[many],
        peak_mib_few=peak_mib[few],
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", few=10_000, many=100_000)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for count in (given.few, given.many):
            write_images(place / "bucket" / "small" / str(count), count=count, side_px=48)
        with s3_server(place / "bucket") as bucket:
            growth(place, bucket=bucket, few=given.few, many=given.many)
