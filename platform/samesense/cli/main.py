"""``samesense``: the door for people."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from samesense.cli import corpus, demo, embed, evaluate, models, search, train
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
app.add_typer(corpus.app, name="corpus")
app.command(name="train")(train.train)
app.command(name="embed")(embed.embed)
app.command(name="search")(search.search)
app.command(name="evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.command(name="demo")(demo.demo)


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
