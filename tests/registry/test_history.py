"""The chart of a metric: places, gaps, marks."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.registry.pages.history import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart

pytestmark = pytest.mark.once


def points(*values) -> list:
    return chart((number, value, False) for number, value in enumerate(values, 1)).points


def test_points_stand_at_equal_distances_and_by_value():
    drawn = chart([(1, 0.0, False), (2, 0.5, False), (4, 1.0, False)])
    assert [point.x for point in drawn.points] == [LEFT, (LEFT + WIDTH - RIGHT) / 2, WIDTH - RIGHT]
    assert [point.y for point in drawn.points] == [HEIGHT - BOTTOM, (HEIGHT - BOTTOM + TOP) / 2, TOP]


def test_what_has_no_number_leaves_a_gap():
    drawn = chart((number, value, False) for number, value in enumerate([1, 2, None, 3, 4, "NaN", 5], 1))
    assert ([line.count(",") for line in drawn.lines], drawn.has_gaps) == ([2, 2], True)


def test_infinite_values_stand_at_the_edge():
    low, high = points("-Infinity", 1, 2, "Infinity")[::3]
    assert [(point.y, point.beyond) for point in (low, high)] == [(HEIGHT - BOTTOM, True), (TOP, True)]


def test_numbers_and_words_for_infinity_are_one():
    assert [point.value for point in points(math.inf, -math.inf, math.nan)] == ["Infinity", "-Infinity", "NaN"]


def test_ticks_are_round_numbers():
    assert [tick.text for tick in chart([(1, 0.81, False), (2, 0.93, False)]).ticks] == ["0.80", "0.85", "0.90", "0.95"]


def test_one_value_is_one_tick():
    assert [tick.text for tick in chart([(1, 0.9, False), (2, 0.9, True)]).ticks] == ["0.9"]


def test_many_versions_are_named_in_part_and_the_newest_always():
    labels = chart((number, 1.0, False) for number in range(1, 201)).labels
    assert (labels[0].text, labels[-1].text, len(labels) <= 11) == ("v1", "v200", True)


def test_nothing_to_draw_is_an_empty_chart():
    assert (chart([]).drawn, chart([(1, None, False)]).drawn, chart([]).labels) == ([], [], [])


@example([0.0, -1.5e308]).via("a round end of the axis would be infinite")
@given(st.lists(st.floats() | st.none() | st.text(max_size=3) | st.integers() | st.booleans(), max_size=30))
def test_any_values_stay_inside_the_box(values):
    drawn = chart((number, value, False) for number, value in enumerate(values, 1))
    assert all(LEFT <= point.x <= WIDTH - RIGHT and TOP <= point.y <= HEIGHT - BOTTOM for point in drawn.drawn)
    assert len(drawn.ticks) <= 12
