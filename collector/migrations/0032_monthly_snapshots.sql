-- The inventory as it was at the end of a month: canonical JSON (RFC 8785). The governed record `monthly-snapshot` of the month holds its
-- SHA-256. Written once, and deleted when the payloads of the trail of its time are.
CREATE TABLE monthly_snapshot (
    -- the month: 2026-10
    month TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
) {{keyed}};
