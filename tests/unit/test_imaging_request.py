"""The fields of the Fetch Image panel."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.model.requests_image import FetchImageRequest
from backend.model.site import IpAssignment, PostInstall


def test_defaults_are_the_originals_and_need_no_ssh() -> None:
    request = FetchImageRequest.parse({}, "oscarhead.cluster")
    assert request.name == "serverimage"
    assert request.client == "oscarhead.cluster"
    assert not request.over_ssh
    assert request.ip_assignment is IpAssignment.STATIC
    assert request.post_install is PostInstall.REBOOT
    assert request.keep is None
    assert FetchImageRequest.parse({"client": "oscarhead"}, "oscarhead.cluster").user is None


def test_another_client_means_ssh_as_root() -> None:
    request = FetchImageRequest.parse({"client": "10.0.0.9"}, "head")
    assert request.user == "root"
    assert request.over_ssh
    assert FetchImageRequest.parse({"user": "admin"}, "head").over_ssh
    assert request.as_source().client == "10.0.0.9"


def test_all_problems_at_once_each_at_its_field() -> None:
    fields = {
        "name": "-x", "client": "a b", "user": "Root", "port": "0", "ip_assignment": "dhcp",
        "post_install": "dance", "keep": "0", "leave_out": "/ok\n../etc",
    }  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        FetchImageRequest.parse(fields, "head")
    places = [report.place.field for report in caught.value.reports if report.place]
    assert sorted(fields) == sorted(str(field) for field in places)
    assert all(report.remedy for report in caught.value.reports)


def test_paths_to_leave_out() -> None:
    request = FetchImageRequest.parse({"leave_out": "/scratch/\n/a b", "keep": "3"}, "head")
    assert request.leave_out == ("/scratch", "/a b")
    assert request.keep == 3


@pytest.mark.parametrize("path", ["/", "//", "etc", "/a/../b", "/a\0b"])
def test_paths_that_cannot_be_left_out(path: str) -> None:
    with pytest.raises(InvalidInput):
        FetchImageRequest.parse({"leave_out": path}, "head")


@given(st.dictionaries(st.sampled_from(["name", "client", "user", "port", "keep"]), st.text()))
def test_any_text_is_parsed_or_refused(fields: dict[str, str]) -> None:
    with contextlib.suppress(InvalidInput):
        request = FetchImageRequest.parse(fields, "head")
        assert re.fullmatch(r"[A-Za-z0-9.:-]+", request.client)


def test_the_scope_of_an_address_is_not_a_way_in() -> None:
    with pytest.raises(InvalidInput):
        FetchImageRequest.parse({"client": "fe80::1%$(reboot)"}, "head")
