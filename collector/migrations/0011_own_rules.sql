-- An organisation's own rules, every version ever published. Nothing here is changed or removed: this is also who did what, and why.
CREATE TABLE own_rules (
    -- from 1, always rising
    number {{int}} NOT NULL PRIMARY KEY,
    -- TOML, as it was published
    body TEXT NOT NULL,
    -- why, in the publisher's words
    note TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at_ms {{int}} NOT NULL,
    -- JSON: each rule, deny and change with the version that it stands so since
    items TEXT NOT NULL
) {{table}};
