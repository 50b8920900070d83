import time

import pytest

from apps.registry.details import mlmodel

pytestmark = pytest.mark.once


def test_parse_reads_yaml_as_json_values():
    body = b"a: 1\nb: [x, 2026-01-02, .nan]\n3: null\n"
    assert mlmodel.parse(body) == {"a": 1, "b": ["x", "2026-01-02", "nan"], "3": None}


@pytest.mark.parametrize(
    "body",
    [
        b"- a list",
        b"just text",
        b"",
        b"\xff\xfe",
        b"a: [",
        b"!!python/object/apply:os.system ['true']",
        b"[" * 100_000,
        b"a: " + b"1" * 5000,
        b"x" * (mlmodel.MAX_BYTES + 1),
        b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 10)) for n in range(97, 110)),
        b"a: &a '" + b"y" * 500_000 + b"'\nb: [" + b", ".join([b"*a"] * 10_000) + b"]",  # 5 GB, were it unfolded
        b"? &a '" + b"y" * 500_000 + b"'\n: [" + b", ".join([b"{*a : 1}"] * 1000) + b"]",
        b"a: 0x" + b"f" * 5000,  # no decimal of it can be written, so neither JSON
        b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n",
        b"a: &a [*a]",
        b"a: " + b"[" * 51 + b"]" * 51,
    ],
)
def test_parse_refuses_what_is_not_an_mlmodel(body):
    with pytest.raises(ValueError, match="MLmodel"):
        mlmodel.parse(body)


def test_a_number_that_no_database_takes_is_kept_as_text():
    assert mlmodel.parse(b"a: 0xffffffffffffffffff\nb: 7\n") == {"a": str(2**72 - 1), "b": 7}


def test_signature_reads_the_json_inside_the_yaml():
    raw = {
        "inputs": '[{"type": "double", "name": "age", "required": true}, {"type": "string", "name": "plan", '
        '"required": false}]',
        "outputs": '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]',
        "params": '[{"name": "t", "type": "double", "default": 0.5, "shape": null}]',
    }
    assert mlmodel.signature({"signature": raw}) == {
        "inputs": [
            {"name": "age", "type": "double", "required": True},
            {"name": "plan", "type": "string", "required": False},
        ],
        "outputs": [{"name": "", "type": "tensor int64 [-1]", "required": True}],
        "params": [{"name": "t", "type": "double", "default": 0.5}],
    }


@pytest.mark.parametrize("content", [{}, {"signature": None}])
def test_a_model_without_a_signature_has_none(content):
    assert mlmodel.signature(content) is None


@pytest.mark.parametrize("raw", ["text", {"inputs": "{"}, {"inputs": "[1]"}, {"inputs": 3}])
def test_a_malformed_signature_is_an_error(raw):
    with pytest.raises(ValueError, match="signature"):
        mlmodel.signature({"signature": raw})


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"type": "array", "items": {"type": "string"}}, "array<string>"),
        ({"type": "map", "values": {"type": "long"}}, "map<long>"),
        (
            {"type": "object", "properties": {"a": {"type": "long"}, "b": {"type": "string", "required": False}}},
            "{a: long, b?: string}",
        ),
    ],
)
def test_type_text_names_nested_types(spec, text):
    assert mlmodel.type_text(spec) == text


@pytest.mark.parametrize("tag", ["bool", "int", "float", "timestamp"])
@pytest.mark.parametrize("said", ["xyz", "''"])
def test_a_tag_that_does_not_fit_is_refused(tag, said):
    with pytest.raises(ValueError, match="MLmodel"):
        mlmodel.parse(f"a: !!{tag} {said}".encode())


def test_a_number_in_base_sixty_with_four_hundred_thousand_digits_is_refused_in_time():
    began = time.process_time()
    with pytest.raises(ValueError, match="digits"):
        mlmodel.parse(b"a: " + b"1:" * 400_000 + b"1")
    assert time.process_time() - began < 10  # seconds of this process
