import pytest

from apps import cells


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1+1", "'+1+1"), ("-cmd", "'-cmd"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t'=1"),
        ("  =1", "'  =1"), ("\r=1", "'\r'=1"), ("＝1", "'＝1"), ("-0.5", "-0.5"), ("+1e-3", "+1e-3"), ("a=1", "a=1"),
        (-0.5, -0.5), (None, ""), ("", ""), ("-1+1", "'-1+1"), ("a;=1", "a;'=1"), ('a; "@b', "a; \"'@b"),
        ("a\t+1", "a\t'+1"), ("a\n-b", "a\n'-b"), ("a, -b", "a, -b"), ("a;b", "a;b"),
    ],
)  # fmt: skip
def test_no_cell_begins_a_formula(value, cell):
    assert cells.safe(value) == cell
