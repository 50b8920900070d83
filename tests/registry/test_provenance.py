"""Where a version comes from: numbers, CI links, commits, data sets, environments, and gaps."""

import json

import pytest

from apps.registry.models import ModelVersion
from apps.registry.pages import provenance
from apps.registry.pages.gaps import gaps

pytestmark = pytest.mark.once


def version(run_tags: dict[str, str] | None = None, **fields) -> ModelVersion:
    return ModelVersion(**{"run": {"tags": run_tags or {}}, "details_state": "loaded"} | fields)


SEMVERS = [
    ({"semver": "2.1.0"}, "2.1.0"),
    ({"gitlab.version": "1.0.0-rc.1+build.5"}, "1.0.0-rc.1+build.5"),
    ({"version": "v2"}, ""),
    ({"version": "01.0.0"}, ""),
    ({"version": "latest", "model_version": "0.1.0"}, "0.1.0"),
]


@pytest.mark.parametrize(("tags", "expected"), SEMVERS)
def test_only_a_valid_number_is_a_semantic_version(tags, expected):
    assert provenance.semantic_version(version(tags=tags)) == expected


def test_the_versions_own_tag_comes_before_the_runs():
    assert provenance.semantic_version(version({"semver": "1.0.0"}, tags={"version": "2.0.0"})) == "2.0.0"


LINKS = [
    ({"gitlab.CI_JOB_ID": "7"}, [("GitLab job", "7", "")]),
    (
        {"gitlab.CI_JOB_ID": "7", "gitlab.CI_PROJECT_URL": "https://git.example.org/a/b"},
        [("GitLab job", "7", "https://git.example.org/a/b/-/jobs/7")],
    ),
    (
        {"gitlab.CI_PIPELINE_ID": "8", "gitlab.CI_PIPELINE_URL": "https://git.example.org/p/8"},
        [("GitLab pipeline", "8", "https://git.example.org/p/8")],
    ),
    (
        {"github.run_id": "9", "github.repository": "acme/churn"},
        [("GitHub run", "9", "https://github.com/acme/churn/actions/runs/9")],
    ),
    (
        {"github.run_id": "9", "mlflow.source.git.repoURL": "git@github.com:acme/churn.git"},
        [("GitHub run", "9", "https://github.com/acme/churn/actions/runs/9")],
    ),
    ({"ci_job_url": "https://ci.example.org/1"}, [("CI job", "ci.example.org/1", "https://ci.example.org/1")]),
    ({"ci.url": "javascript:alert(1)"}, []),
    (
        {"build_url": "https://user:secret@ci.example.org/1"},
        [("CI job", "ci.example.org/1", "https://ci.example.org/1")],
    ),
]


@pytest.mark.parametrize(("tags", "expected"), LINKS, ids=lambda value: next(iter(value)) if value else "")
def test_tags_lead_to_the_job_that_made_the_version(tags, expected):
    found = provenance.ci_links(version(tags))
    assert [(link.label, link.text, link.url) for link in found] == expected


REPOSITORIES = [
    ("https://github.com/a/b.git", "https://github.com/a/b/commit/abcdef1"),
    ("https://token@gitlab.example.org/a/b", "https://gitlab.example.org/a/b/-/commit/abcdef1"),
    ("git@github.com:a/b.git", "https://github.com/a/b/commit/abcdef1"),
    ("/home/ann/churn", ""),
    ("https://[", ""),
]


@pytest.mark.parametrize(("repository", "expected"), REPOSITORIES)
def test_a_commit_is_linked_where_its_repository_has_pages(repository, expected):
    tags = {"mlflow.source.git.commit": "abcdef1", "mlflow.source.git.repoURL": repository}
    assert provenance.commit_link(version(tags)).url == expected


def test_data_sets_say_where_they_lie_without_credentials():
    facts = {
        "source": json.dumps({"uri": "https://ann:pw@data.example.org/may.csv"}),
        "schema": json.dumps({"mlflow_colspec": [{}, {}]}),
        "profile": json.dumps({"num_rows": 12}),
    }
    row = {"name": "may", "digest": "d1", "context": "train", "source_type": "http"}
    found = provenance.datasets(version(datasets=[row, row], run={"dataset_facts": [facts]}))
    assert [(data.source, data.columns, data.rows) for data in found] == [
        ("https://…@data.example.org/may.csv", 2, 12),
        ("", None, None),
    ]


@pytest.mark.parametrize("text", ["", "[", "[1]", '{"uri": 3}', "[" * 100_000])
def test_unreadable_facts_of_a_data_set_are_left_out(text):
    facts = {"source": text, "schema": text, "profile": text}
    row = {"name": "may", "digest": "", "context": "", "source_type": ""}
    found = provenance.datasets(version(datasets=[row], run={"dataset_facts": [facts]}))
    assert (found[0].source, found[0].columns, found[0].rows) == ("", None, None)


def test_environment_gathers_what_the_files_say():
    found = provenance.environment(
        version(
            mlmodel={
                "mlflow_version": "3.17.2",
                "flavors": {"python_function": {"python_version": "3.11", "code": "code"}},
            },
            environment={
                "conda": {"channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": ["mlflow"]}]},
                "python_env": {"build_dependencies": ["setuptools"]},
            },
            files=[
                {"path": path, "size": 1} for path in ("apt.txt", "requirements.txt", "code/apt.txt", "r-packages.json")
            ],
        )
    )
    assert (found.python, found.mlflow, found.code_paths, found.conda) == ("3.11", "3.17.2", "code", ["python=3.11"])
    assert [row["path"] for row in found.system] == ["apt.txt", "r-packages.json"]


@pytest.mark.parametrize("read", ["text", [], {"conda": "text", "python_env": []}, {"conda": {"dependencies": "x"}}])
def test_unreadable_environments_say_nothing(read):
    assert provenance.environment(version(environment=read, mlmodel={"flavors": "x"})).conda == []


def test_everything_that_lacks_is_a_gap():
    assert len(gaps(version(run_id=""))) == 10


def test_what_was_not_read_is_no_gap():
    assert gaps(version(details_state="pending")) == []


def test_loose_requirements_are_named_without_credentials():
    lines = ["a==1", "b>=2", "c @ https://ann:pw@example.org/c.whl", "--index-url https://x"]
    assert gaps(version(requirements=lines))[-1] == (
        "Not pinned to one version: b>=2, c @ https://…@example.org/c.whl."
    )
