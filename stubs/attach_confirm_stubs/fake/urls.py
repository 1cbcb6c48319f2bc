"""Which paths the backend answers; the hosts are those that it is registered for."""

from attach_confirm_stubs.fake import _in_process

url_bases = ["https?://[^/]+"]

url_paths = {
    "{0}/contact/chat$": _in_process.chat_start,
    "{0}/participant/.+$": _in_process.api,
    "{0}/(?:staging|final)/.+$": _in_process.place,
}
