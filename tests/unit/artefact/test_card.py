"""Sections of a model card: added once, replaced after that, the rest left as it is."""

from samesense.artefact.card import LAST, with_section

CARD = f"# alignment\n\nA summary.\n\n{LAST}code\n"


def test_a_section_stands_before_the_last_one() -> None:
    told = with_section(CARD, name="evaluation x", section="## Evaluation\nten\n")
    assert told.index("A summary.") < told.index("## Evaluation\nten") < told.index(LAST)


def test_a_second_time_it_takes_the_place_of_the_first() -> None:
    once = with_section(CARD, name="evaluation x", section="## Evaluation\nten\n")
    twice = with_section(once, name="evaluation x", section="## Evaluation\neleven\n")
    assert twice == once.replace("ten", "eleven")


def test_sections_of_other_names_stay() -> None:
    both = with_section(CARD, name="a", section="of a")
    both = with_section(both, name="b", section="of b")
    again = with_section(both, name="a", section="new")
    assert "of b" in again
    assert "of a" not in again


def test_a_card_that_somebody_wrote_anew_gets_it_at_its_end() -> None:
    told = with_section("# mine\n", name="a", section="of a")
    assert told == "# mine\n\n<!-- begin a -->\nof a\n<!-- end a -->\n"
