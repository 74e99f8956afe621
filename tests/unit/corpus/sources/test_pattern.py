import pytest

from samesense.core.errors import ConfigError
from samesense.corpus.sources.pattern import KeyPattern, Named


@pytest.mark.parametrize(
    ("pattern", "path", "named"),
    [
        (KeyPattern(), "photo/dog/1.jpg", Named("photo", "dog", "")),
        (KeyPattern(), "photo/dog/more/1.jpg", None),
        (KeyPattern("{domain}/{label}/**"), "photo/dog/more/1.jpg", Named("photo", "dog", "")),
        (
            KeyPattern("v2/**/{label}/{domain}-{id}.*"),
            "v2/a/b/dog/photo-17.jpg",
            Named("photo", "dog", "17"),
        ),
        (KeyPattern("{label}/{id}.jpg", domain="photo"), "dog/1.jpg", Named("photo", "dog", "1")),
        (KeyPattern("{label}/{id}.jpg", domain="photo"), "dog/1xjpg", None),
        (KeyPattern("*", domain="photo", label="?"), "any.jpg", Named("photo", "?", "")),
        (KeyPattern("{domain}/{label}/*"), "日本/犬/一.jpg", Named("日本", "犬", "")),
    ],
)
def test_a_path_says_what(pattern: KeyPattern, path: str, named: Named | None) -> None:
    assert pattern.match(path) == named


@pytest.mark.parametrize(
    ("text", "fixed", "message"),
    [
        ("{domain}/{lable}/*", {}, "{lable} is none of domain, label, id. Did you mean 'label'"),
        ("{domain}/{domain}/{label}", {}, "{domain} stands twice"),
        ("{label}/*", {}, "give domain either as {domain} in the pattern or as one name"),
        ("{domain}/{label}", {"domain": "photo"}, "give domain either"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(
    text: str, fixed: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        KeyPattern(text, **fixed)
    assert message in str(refused.value)
