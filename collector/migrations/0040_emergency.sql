-- Roles that administrators took for some hours, and who of those to whom that is reported has said to have seen it.
CREATE TABLE emergency (
    number {{int}} NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person {{int}} NOT NULL,
    role TEXT NOT NULL,
    from_ms {{int}} NOT NULL,
    -- by itself, or before its time
    end_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX emergency_by_person ON emergency (person, number);
CREATE INDEX emergency_by_time ON emergency (from_ms);
CREATE TABLE emergency_seen (
    number {{int}} NOT NULL,
    person {{int}} NOT NULL,
    at_ms {{int}} NOT NULL,
    PRIMARY KEY (number, person)
) {{keyed}};
