"""No URL and no address that leads into a private or special network is called."""

import pytest

from ocpi_hub.delivery.guard import Policy, check_address, check_url, same_origin

STRICT = Policy()
DEVELOPMENT = Policy(allow_private=True, require_https=False)

# Each of them is refused by the text alone.
FORBIDDEN_URLS = [
    "http://partner.example/ocpi",  # not https
    "ftp://partner.example/",
    "file:///etc/passwd",
    "gopher://partner.example/",
    "//partner.example/",
    "partner.example",
    "",
    "https://",
    "https:///ocpi",
    "https://user@partner.example/",
    "https://user:secret@partner.example/",
    "https://partner.example@127.0.0.1/",
    "https://partner.example/#fragment",
    "https://partner.example/a b",
    "https://partner.example/\r\nX: y",
    "https://partner.example/\x00",
    "https://partner.example\\@127.0.0.1/",
    "https://partner.example%2f@127.0.0.1/",
    "https://exa%6dple.com/",
    "https://partner.éxample/",
    "https://partner.example:0/",
    "https://partner.example:65536/",
    "https://partner.example:99999/",
    "https://partner.example:-1/",
    "https://partner.example:80a/",
    "https://partner.example:/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://api.localhost/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.255.255.254:8443/",
    "https://0.0.0.0/",
    "https://0/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.0x1/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::1]/",
    "https://[2001:db8::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[4000::1]/",
    "https://[127.0.0.1]/",
    "https://[:::1]/",
]


@pytest.mark.obligation("CRED-049")
@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_a_url_that_leads_elsewhere_than_to_the_public_web_is_refused(url):
    assert check_url(url, STRICT) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://partner.example",
        "https://partner.example/ocpi/2.2.1?x=1&y=%20",
        "HTTPS://Partner.Example:8443/ocpi",
        "https://a_b.partner.example/",
        "https://8.8.8.8/",
        "https://[2a00:1450:4001::1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://127.0.0.1.partner.example/",
        "https://1.2.3.example/",
    ],
)
def test_a_public_https_url_is_accepted(url):
    assert check_url(url, STRICT) is None


@pytest.mark.obligation("TYP-014")
def test_a_url_has_at_most_255_characters():
    base = "https://partner.example/"
    assert check_url(base + "a" * (255 - len(base)), STRICT) is None
    assert check_url(base + "a" * (256 - len(base)), STRICT) == "longer than 255 characters"


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/", "http://127.0.0.1/", "http://10.1.2.3/", "http://[::1]:1/"]
)
def test_development_may_call_private_networks(url):
    assert check_url(url, DEVELOPMENT) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://2130706433/",
        "http://[2002:7f00:1::]/",
    ],
)
def test_even_development_may_not_call_metadata_and_special_addresses(url):
    assert check_url(url, DEVELOPMENT) is not None


def test_the_reason_names_what_is_wrong_and_no_secret():
    assert check_url("https://10.0.0.1/", STRICT) == "leads to a private address"
    assert "secret" not in (check_url("https://u:secret@x.example/", STRICT) or "")


def test_an_address_with_a_zone_is_judged_without_it():
    assert check_address("fe80::1%eth0", STRICT) is not None
    assert check_address("no address", STRICT) is not None


@pytest.mark.obligation("ROUT-508")
def test_origin_is_scheme_host_and_port():
    known = ["https://msp.example/ocpi/receiver/locations", "https://two.example:8443/x"]
    assert same_origin("https://MSP.example:443/elsewhere?offset=2", known)
    assert same_origin("https://two.example:8443/", known)
    for foreign in (
        "https://evil.example/",
        "http://msp.example/",
        "https://msp.example:8443/",
        "https://msp.example.evil.example/",
        "https://msp.example@evil.example/",
        "nonsense",
    ):
        assert not same_origin(foreign, known)
