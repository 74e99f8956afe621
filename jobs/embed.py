"""Embed a corpus on a cluster: ray job submit ... -- python jobs/embed.py --model RUN ..."""

import typer

from samesense.cli.embed import embed
from samesense.cli.main import tell_errors

if __name__ == "__main__":
    with tell_errors():
        typer.run(embed)
