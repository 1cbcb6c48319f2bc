"""Which paths the backend answers; the hosts are those that it is registered for."""

from attach_confirm_stubs.fake import _moto

url_bases = ["https?://[^/]+"]

url_paths = {
    "{0}/contact/chat$": _moto.chat_start,
    "{0}/participant/.+$": _moto.api,
    "{0}/(?:staging|final)/.+$": _moto.place,
}
