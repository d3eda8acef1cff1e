from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from auditor import digest
from auditor.model.words import Tier

# Beyond U+FFFF and in U+E000..U+FFFF, order by code point and by UTF-16 differ.
KEYS = st.text(st.characters(exclude_categories=["Cs"])) | st.text('a\ue000\uffff\U00010000\U0010ffff"\\\x00\x1f\x7f\u2028')
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | KEYS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
)


@given(VALUES)
def test_canonical_form_is_that_of_the_library(value):
    assert digest.canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [1e-5, 1e-7, 1.0, -0.0, 1e16, 1e21, 5e-324, 0.1, 2**53 - 1, True, Tier.SMOKE, {"b": 1.0, "a": (1, 2)}]
)
def test_numbers_and_words(value):
    assert digest.canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\udc00": 1}, {1: 2}, {"a": {None: 1}}, object()],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011  (the libraries' own words)
        digest.canonical_bytes(value)
