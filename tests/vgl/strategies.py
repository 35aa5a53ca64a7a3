"""Structured prompts of every shape, for property tests."""

from hypothesis import strategies as st

from sartor.vgl import StructuredPrompt, parse
from sartor.vgl.schema import Aesthetics, Lighting, PhotographicCharacteristics, SceneObject, TextRender

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
leaf = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | text
value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
                     max_leaves=6)  # fmt: skip


def section(kind: type, **special: st.SearchStrategy) -> st.SearchStrategy:
    fields = {name: special.get(name, st.none() | text) for name in kind.model_fields}
    unknown = st.dictionaries(text.filter(lambda name: name not in fields), value, max_size=2)
    return st.tuples(st.fixed_dictionaries({}, optional=fields), unknown).map(lambda both: both[1] | both[0])


scene_object = section(SceneObject, number_of_objects=st.none() | st.integers(0, 9))
mapping = section(
    StructuredPrompt,
    objects=st.none() | st.lists(scene_object, max_size=4),
    lighting=section(Lighting),
    aesthetics=section(Aesthetics),
    photographic_characteristics=section(PhotographicCharacteristics),
    text_render=st.lists(section(TextRender), max_size=2),
)
prompt = mapping.map(parse)
