"""Certificates that no client trusts by default."""

from types import SimpleNamespace

import pytest
import trustme


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Create a certificate authority and return the paths of PEM files.

    `bundle` is the authority's certificate. `server` is a certificate for 127.0.0.1 and `client`
    one for a client; both files include the private key.
    """
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)

    def issue(name, identity):
        path = folder / f"{name}.pem"
        authority.issue_cert(identity).private_key_and_cert_chain_pem.write_to_path(path)
        return str(path)

    return SimpleNamespace(
        bundle=str(bundle),
        server=issue("server", "127.0.0.1"),
        client=issue("client", "client@example.com"),
    )
