"""The page at `/`, which shows what is in the fake as it changes.

It holds nothing itself: its script asks for `/_fake/state`, and writes what it gets as text.
"""

from base64 import b64encode
from hashlib import sha256

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: .3em .8em .3em 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; white-space: pre-line; }
caption { font-weight: bold; text-align: left; padding: 1.5em 0 .3em; }
#problem { color: #b00020; }
"""
_SCRIPT = """
"use strict";
const TABLES = {
  Chats: ["chats", {
    contact: (chat) => chat.contact_id,
    region: (chat) => chat.region,
    participants: (chat) => chat.participants.map(
      (one) => one.role + " " + one.display_name + (one.left ? ", left"
        : one.connected ? ", connected" : "")).join("; "),
    ends: (chat) => chat.ends_at,
  }],
  Attachments: ["attachments", {
    id: (attachment) => attachment.attachment_id,
    name: (attachment) => attachment.name,
    type: (attachment) => attachment.content_type,
    bytes: (attachment) => (attachment.stored_size ?? "none") + " of " + attachment.size,
    state: (attachment) => attachment.state,
  }],
  Transcript: ["transcript", {
    time: (item) => item.AbsoluteTime,
    contact: (item) => item.ContactId,
    who: (item) => item.ParticipantRole + " " + item.DisplayName,
    what: (item) => item.Type + " " + (item.ContentType ?? ""),
    content: (item) => item.Content ?? JSON.stringify(item.Attachments ?? ""),
  }],
  Calls: ["calls", {
    operation: (call) => call.operation,
    parameters: (call) => JSON.stringify(call.params),
    attempts: (call) => call.attempts.map(
      (attempt) => (attempt.error_code ?? attempt.status ?? "no answer")
        + (attempt.fault ? " by " + JSON.stringify(attempt.fault) : "")
        + (attempt.committed ? ", done" : "")).join("\\n"),
  }],
};
const SHOWN = 200;

function table(title, rows, columns) {
  const made = document.createElement("table");
  made.createCaption().textContent = title + " (" + rows.length + ")";
  const head = made.createTHead().insertRow();
  for (const name of Object.keys(columns)) {
    head.append(Object.assign(document.createElement("th"), { textContent: name }));
  }
  const body = made.createTBody();
  for (const row of rows.slice(-SHOWN).reverse()) {
    const line = body.insertRow();
    for (const cell of Object.values(columns)) {
      line.insertCell().textContent = cell(row);
    }
  }
  return made;
}

let last = "";
async function list_attachments() {
  const problem = document.getElementById("problem");
  try {
    const answer = await (await fetch("/_fake/state")).text();
    if (answer !== last) {
      const state = JSON.parse(answer);
      document.getElementById("state").replaceChildren(...Object.entries(TABLES).map(
        ([title, [name, columns]]) => table(title, state[name], columns)));
      last = answer;
    }
    problem.textContent = "";
  } catch (error) {
    problem.textContent = "The fake does not answer: " + error.message;
  }
  setTimeout(look, 1000);
}
list_attachments();
"""


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>The fake of Amazon Connect Participant Service</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<h1>The fake of Amazon Connect Participant Service</h1>
<p>The newest comes first. Nothing here is at AWS.</p>
<p id="problem"></p>
<div id="state"></div>
<script>{_SCRIPT}</script>
</body>
</html>
""".encode()

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none';"
        f" frame-ancestors 'none'; img-src data:; script-src {_hashed(_SCRIPT)};"
        f" style-src {_hashed(_STYLE)}"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
