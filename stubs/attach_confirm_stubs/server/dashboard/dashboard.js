"use strict";

const MAX_ROWS = 200;
const REFRESH_INTERVAL_MS = 1000;

// By caption: the name of the list in the state, and a function for each column's cells.
const TABLES = {
  Chats: ["chats", {
    contact: (chat) => chat.contact_id,
    region: (chat) => chat.region,
    participants: (chat) => chat.participants.map(formatParticipant).join("; "),
    ends: (chat) => chat.ends_at,
  }],
  Attachments: ["attachments", {
    id: (attachment) => attachment.attachment_id,
    name: (attachment) => attachment.name,
    type: (attachment) => attachment.content_type,
    "bytes stored": (attachment) => (attachment.stored_size ?? 0) + " of " + attachment.size,
    state: (attachment) => attachment.state,
  }],
  Transcript: ["transcript", {
    time: (item) => item.AbsoluteTime,
    contact: (item) => item.ContactId,
    participant: (item) => item.ParticipantRole + " " + item.DisplayName,
    type: (item) => item.Type + " " + (item.ContentType ?? ""),
    content: (item) => item.Content ?? JSON.stringify(item.Attachments ?? ""),
  }],
  Calls: ["calls", {
    operation: (call) => call.operation,
    parameters: (call) => JSON.stringify(call.params),
    attempts: (call) => call.attempts.map(formatAttempt).join("\n"),
  }],
};

function formatParticipant(participant) {
  const status = participant.left ? ", left" : participant.connected ? ", connected" : "";
  return participant.role + " " + participant.display_name + status;
}

function formatAttempt(attempt) {
  return (attempt.error_code ?? attempt.status ?? "no response")
    + (attempt.fault ? ", fault " + JSON.stringify(attempt.fault) : "")
    + (attempt.committed ? ", committed" : "");
}

// Set textContent only: the data comes from clients and can contain HTML.
function createTable(caption, rows, columns) {
  const table = document.createElement("table");
  table.createCaption().textContent = caption + " (" + rows.length + ")";
  const header = table.createTHead().insertRow();
  for (const name of Object.keys(columns)) {
    header.append(Object.assign(document.createElement("th"), { textContent: name }));
  }
  const body = table.createTBody();
  for (const row of rows.slice(-MAX_ROWS).reverse()) {
    const tableRow = body.insertRow();
    for (const format of Object.values(columns)) {
      tableRow.insertCell().textContent = format(row);
    }
  }
  return table;
}

let lastResponse = "";

async function refresh() {
  const error = document.getElementById("error");
  try {
    const response = await (await fetch("/_fake/state")).text();
    // Redraw only after a change, so that text stays selected.
    if (response !== lastResponse) {
      const state = JSON.parse(response);
      document.getElementById("state").replaceChildren(...Object.entries(TABLES).map(
        ([caption, [name, columns]]) => createTable(caption, state[name], columns)));
      lastResponse = response;
    }
    error.textContent = "";
  } catch (cause) {
    error.textContent = "Cannot load the state: " + cause.message;
  }
  setTimeout(refresh, REFRESH_INTERVAL_MS);
}

refresh();
