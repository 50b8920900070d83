"""The entry that the web server calls."""

from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import application

pytestmark = pytest.mark.django_db  # the end of a request looks at the connection


@pytest.mark.parametrize(
    "kind", ["text/html; charset=zlib", 'text/html; charset="rot13"; x=1', "charset=utf-16", "", ";"]
)
def test_request_is_answered_whatever_charset_it_names(kind):
    environ = {"PATH_INFO": "/healthz", "QUERY_STRING": "q=x", "CONTENT_TYPE": kind, "HTTP_HOST": "localhost"}
    setup_testing_defaults(environ)
    said = []
    application(environ, lambda status, headers, *_: said.append(status))
    assert said == ["200 OK"]
