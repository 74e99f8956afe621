"""``samesense models``: what has been trained here."""

from pathlib import Path

import typer

app = typer.Typer(help="List and show trained models.", no_args_is_help=True)


@app.command("list")
def list_models(
    root: Path = typer.Argument(Path("runs"), help="Folder that holds training runs."),
) -> None:
    """List the trained models below a folder."""
    from samesense.artefact.registry import find_artefacts
    from samesense.core.errors import ArtefactError

    found = list(find_artefacts(root))
    if not found:
        raise ArtefactError(f"{root}: holds no trained model; make one with `samesense demo`")
    for artefact in found:
        held_out = artefact.record.provenance.get("corpus", {}).get("held_out", "-")
        print(
            f"{artefact.record.fingerprint[:12]}  {artefact.recipe.name:<16} "
            f"held out {held_out:<16} {artefact.folder}"
        )


@app.command()
def show(model: str = typer.Argument(help="Folder of a training run or of its model.")) -> None:
    """Show a model's card: recipe, data, scores and how to use it."""
    from samesense.artefact.folder import CARD, load_artefact

    artefact = load_artefact(model)
    print((artefact.folder / CARD).read_text(encoding="utf-8"))


@app.command()
def export(
    model: str = typer.Argument(help="Folder of a training run or of its model."),
    out: Path = typer.Option(..., "--out", "-o", help="A new folder for the Hugging Face model."),
) -> None:
    """Write a model's tower, its LoRA merged in, as a plain Hugging Face folder.

    It is taken wherever a backbone is: `samesense models export runs/lora -o backbone`
    """
    from samesense.artefact.export import export_tower
    from samesense.artefact.folder import load_artefact

    export_tower(load_artefact(model), out.absolute())
    print(f"backbone  {out}")
