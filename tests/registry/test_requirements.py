import pytest

from apps.registry.details.requirements import Requirement, lines, parse, unpinned


def test_lines_drop_comments_and_join_continuations():
    text = "# all\nnumpy==2.0 \\\n  --hash=sha256:00\n\nscikit_learn >= 1.7  # newest\n"
    assert lines(text) == ["numpy==2.0    --hash=sha256:00", "scikit_learn >= 1.7"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NumPy==2.0", ("numpy", "==2.0", True)),
        ("numpy==2.0 --hash=sha256:00", ("numpy", "==2.0", True)),
        ("numpy===2.0", ("numpy", "===2.0", True)),
        ("numpy==2.*", ("numpy", "==2.*", False)),
        ("numpy>=2,<3", ("numpy", "<3,>=2", False)),
        ("numpy", ("numpy", "", False)),
        ("numpy[x]==2; python_version > '3'", ("numpy", "==2", True)),
        ("-r other.txt", ("", "", False)),
        ("./local", ("", "", False)),
    ],
)
def test_parse_tells_name_specifier_and_pin(line, expected):
    assert parse(line) == Requirement(line, *expected)


def test_unpinned_counts_everything_that_is_not_one_version():
    assert unpinned(["a==1", "b>=1", "--no-binary :all:", "./local"]) == ["b>=1", "./local"]


def test_unpinned_counts_what_another_file_or_a_folder_brings_in():
    brought = ["-r more.txt", "--requirement=more.txt", "-e .", "--editable ."]
    assert (
        unpinned([*brought, "--extra-index-url https://feeds.example.org", "--require-hashes", "-c c.txt"]) == brought
    )
