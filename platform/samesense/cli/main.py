"""``samesense``: the door for people."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from samesense.cli.ablate import ablate
from samesense.cli.corpus import app as corpus
from samesense.cli.demo import demo
from samesense.cli.embed import embed
from samesense.cli.evaluate import evaluate
from samesense.cli.index import app as index
from samesense.cli.models import app as models
from samesense.cli.runs import app as runs
from samesense.cli.search import search
from samesense.cli.serve import serve
from samesense.cli.train import train
from samesense.core.errors import SamesenseError

app = typer.Typer(
    name="samesense",
    help=(
        "Find the same thing in any visual domain: photo, sketch, painting, cartoon.\n\n"
        "Start with `samesense demo`, which runs the whole job on a small corpus of its own."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(corpus, name="corpus")
app.command(name="train")(train)
app.command(name="embed")(embed)
app.add_typer(index, name="index")
app.command(name="search")(search)
app.command(name="serve")(serve)
app.command(name="evaluate")(evaluate)
app.command(name="ablate")(ablate)
app.add_typer(runs, name="runs")
app.add_typer(models, name="models")
app.command(name="demo")(demo)

# DeepSpeed, which transformers imports, would tell at every start that there is no GPU.
logging.getLogger("DeepSpeed").addFilter(lambda record: "accelerator to CPU" not in str(record.msg))


@contextmanager
def tell_errors() -> Iterator[None]:
    """Tell a user's error in words, with exit code 2; let defects show their traceback."""
    try:
        yield
    except SamesenseError as error:
        print(f"samesense: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def main() -> None:
    """Run the command line."""
    with tell_errors():
        app()


if __name__ == "__main__":
    main()
