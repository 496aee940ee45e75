"""The terms of the project."""

from pnfrec_core.glossary import TERMS, all_terms


def test_all_terms_are_those_of_the_schema_and_the_others_in_order() -> None:
    terms = all_terms()
    assert list(terms) == sorted(terms, key=str.lower)
    assert {"interaction", "positive, negative", "margin", "catalogue", "item index", "padding", "rank"} <= set(terms)
    assert not {"interaction", "target", "rank"} & set(TERMS)
    assert terms["history"].startswith("a user's interactions before the target, oldest first; `seen` are all of them")


def test_each_term_has_a_sentence() -> None:
    for term, meaning in all_terms().items():
        assert term == term.strip(), term
        assert meaning.endswith("."), term
        assert "  " not in meaning, term
