"""URL paths of the backend. `_register` registers the hosts."""

from attach_confirm_stubs.fake import _moto, _patterns

url_bases = ["https?://[^/]+"]

url_paths = {
    _patterns.CONNECT_URL_PATH: _moto.api,
    _patterns.SERVICE_URL_PATH: _moto.api,
    _patterns.OBJECT_URL_PATH: _moto.s3_object,
}
