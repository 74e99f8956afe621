"""What ``samesense embed`` prints when it is done."""

from pathlib import Path

from samesense.bulk.embed import Embedded
from samesense.bulk.options import EmbedJob
from samesense.bulk.rejected import rejections_table
from samesense.bulk.task import VECTORS
from samesense.index.connection import without_credentials


def print_embedded(job: EmbedJob, done: Embedded) -> None:
    """Print what an embedding job has done, and what to do next."""
    fates = " + ".join(f"{fate} {count}" for fate, count in done.fates.items())
    print(f"listed {done.listed} = {fates}")
    for reason, count in done.reasons.items():
        print(f"  rejected: {reason:<18} {count:>6}")
    print(f"tower       ran on {done.encoded} images; {done.seconds:.0f} s in all")
    if done.removed:
        print(f"removed     {done.removed} rows that the corpus does not list any more")
    elif done.gone:
        print(
            f"gone        {done.gone} rows that the corpus does not list any more; --prune deletes"
        )
    if done.others:
        print(f"others      {done.others} rows of other corpora stay")
    print(f"summary     {Path(job.out) / 'summary.json'}")
    print(f"rejections  {rejections_table(job)}")
    if job.parquet:
        print(f"vectors     {Path(job.out) / VECTORS}")
    if job.milvus is not None:
        milvus = without_credentials(job.milvus)
        print(f"index       {job.index} in {milvus}, model {done.fingerprint[:12]}")
        where = f"--index {job.index} --milvus {milvus}"
        print(
            f"next        samesense search {where} --image FILE"
            if job.switch
            else f"next        samesense index switch {where} --to {done.fingerprint[:12]}"
        )
