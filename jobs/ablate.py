"""Compare variants of a recipe: ray job submit ... -- python jobs/ablate.py --config FILE."""

import typer

from samesense.cli.ablate import ablate
from samesense.cli.main import tell_errors

if __name__ == "__main__":
    with tell_errors():
        typer.run(ablate)
