"""Train a recipe on a cluster: ray job submit ... -- python jobs/train.py --config FILE."""

import typer

from samesense.cli.main import tell_errors
from samesense.cli.train import train

if __name__ == "__main__":
    with tell_errors():
        typer.run(train)
