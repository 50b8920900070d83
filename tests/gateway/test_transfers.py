"""Large files never take the last thread: a few places are theirs, and whoever finds none comes again."""

import socket
from contextlib import ExitStack

import pytest

from apps.errors import UpstreamUnavailable
from apps.gateway import transfers
from config.limits import PATIENCE, be_patient

pytestmark = pytest.mark.once
PLACES = 6


def test_more_large_files_than_places_are_sent_away_until_one_has_ended():
    with ExitStack() as on_their_way:
        for _number in range(PLACES):
            on_their_way.enter_context(transfers.under_way(transfers.LARGE))
        with pytest.raises(UpstreamUnavailable), transfers.under_way(transfers.LARGE):
            pass
    with transfers.under_way(transfers.LARGE):
        pass


def test_a_place_is_free_again_after_a_file_that_broke_off():
    for _number in range(PLACES + 1):
        with pytest.raises(ConnectionError), transfers.under_way(-1):
            raise ConnectionError


def test_a_small_file_needs_no_place():
    with ExitStack() as on_their_way:
        for _number in range(PLACES):
            on_their_way.enter_context(transfers.under_way(-1))
        with transfers.under_way(transfers.LARGE - 1):
            pass


def test_a_client_that_falls_silent_is_waited_for_no_longer_than_a_minute():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        be_patient({"gunicorn.socket": ours})
        assert ours.gettimeout() == PATIENCE == 60
