"""Laws of the guard: whatever the disguise, the address inside decides."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.delivery.guard import Policy, check_address, check_url, origin

STRICT = Policy()
PRIVATE = [
    IPv4Network(net)
    for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
]
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
PRIVATE_V4 = st.sampled_from(PRIVATE).flatmap(
    lambda net: st.integers(int(net[0]), int(net[-1])).map(IPv4Address)
)
DISGUISES = st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "::ffff:0:0:0", "64:ff9b:1::"])


@given(PRIVATE_V4, DISGUISES)
def test_a_private_address_is_refused_in_every_disguise(address, prefix):
    hidden = IPv6Address(int(IPv6Address(prefix)) | int(address))
    assert check_address(str(address), STRICT)
    assert check_address(str(hidden), STRICT)
    assert check_url(f"https://[{hidden}]/", STRICT)


@given(PRIVATE_V4, st.integers(0, 2**80 - 1))
def test_6to4_never_leads_to_a_private_address(address, rest):
    hidden = IPv6Address((0x2002 << 112) | (int(address) << 80) | rest)
    assert check_address(str(hidden), STRICT)


@given(V4)
def test_mapped_and_nat64_are_judged_as_what_they_carry(address):
    plain = check_address(str(address), STRICT)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        carried = IPv6Address(int(IPv6Address(prefix)) | int(address))
        assert (check_address(str(carried), STRICT) is None) == (plain is None)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_only_global_unicast_is_called(address):
    if check_address(str(address), STRICT) is None:
        nat64 = int(address) >> 32 == 0x64FF9B << 64
        assert int(address) >> 125 == 1 or address.ipv4_mapped or nat64


@given(V4)
def test_a_url_is_judged_as_its_address(address):
    assert (check_url(f"https://{address}/", STRICT) is None) == (
        check_address(str(address), STRICT) is None
    )


@given(st.text(max_size=80))
def test_any_text_is_judged_without_an_error(text):
    for url in (text, f"https://{text}/", f"https://partner.example{text}"):
        reason = check_url(url, STRICT)
        if reason is None:
            found = origin(url)
            assert found is not None
            assert found.scheme == "https"
            assert url.isascii()
            assert url.isprintable()
