"""Which URLs the backend answers."""

from attach_confirm_stubs.fake.responses import ConnectParticipantResponse

url_bases = [
    r"https?://participant\.connect(-fips)?\.(.+)\.amazonaws\.com",
    r"https?://connect-attachments-[0-9]{12}-(.+)\.s3\.(.+)\.amazonaws\.com",
]

url_paths = {
    "{0}/participant/.+$": ConnectParticipantResponse.dispatch,
    "{0}/staging/.+$": ConnectParticipantResponse.put_object,
}
