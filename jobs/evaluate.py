"""Evaluate a model on a cluster: ray job submit ... -- python jobs/evaluate.py --model RUN ..."""

import typer

from samesense.cli.evaluate import evaluate
from samesense.cli.main import tell_errors

if __name__ == "__main__":
    with tell_errors():
        typer.run(evaluate)
