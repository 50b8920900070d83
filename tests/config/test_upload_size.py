"""Uploads are bounded before anybody is known: by the announced size, and by the number of files."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.registry.pages.uploads import MAX_BODY, READ_TO_THE_END

pytestmark = pytest.mark.django_db
FORMS = ["/sign-in/", "/models/churn/v/1/check-data/", "/api/v1/compare/"]


class Unread:
    """A body that nobody may read."""

    def read(self, *args: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def announced(client: Client, path: str, size: int):
    kind = "multipart/form-data; boundary=x"
    body = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(size), "CONTENT_TYPE": kind}
    return client.generic("POST", path, b"", **body)


@pytest.mark.parametrize("path", FORMS)
def test_a_form_that_announces_too_much_is_refused_unread_without_signing_in(client, path):
    response = announced(client, path, READ_TO_THE_END + 1)
    assert (response.status_code, "The file is larger than 10 MB." in response.content.decode()) == (413, True)


@pytest.mark.parametrize("path", FORMS[:2])
def test_a_form_is_read_to_its_end_and_refused_where_a_browser_waits_for_that(path):
    client = Client(enforce_csrf_checks=True)
    response = client.post(path, {"file": SimpleUploadedFile("rows.csv", b"x" * MAX_BODY)})
    assert (response.status_code, "The file is larger than 10 MB." in response.content.decode()) == (413, True)


@pytest.mark.parametrize("path", FORMS[:2])
def test_a_second_file_is_refused(path):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32  # anybody can make one up: then the form is parsed
    response = client.post(path, {"file": [SimpleUploadedFile(f"{n}.csv", b"age\n1\n") for n in range(2)]})
    assert (response.status_code, "More than one file was sent." in response.content.decode()) == (413, True)


def test_one_file_of_a_small_form_passes(client, charlie):
    client.force_login(charlie)
    response = client.post("/models/none/v/1/check-data/", {"file": SimpleUploadedFile("rows.csv", b"age\n1\n")})
    assert response.status_code == 404


MANY = {f"field-{number}": "x" for number in range(3_000)}


def test_a_form_of_many_fields_is_not_read_for_whoever_is_not_signed_in():
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32  # anybody can make one up: then the form would be parsed
    answer = client.post("/sign-in/", MANY)
    assert (answer.status_code, "You are not signed in" in answer.content.decode()) == (401, True)


def test_a_form_of_many_fields_is_read_for_whoever_is_signed_in(client, charlie):
    client.force_login(charlie)
    assert client.post("/models/none/v/1/check-data/", MANY).status_code == 404
