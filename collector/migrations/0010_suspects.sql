-- Who asked for, confirmed or withdrew a setting that takes two people. It only grows.
CREATE TABLE setting_step (
    id {{int}} NOT NULL PRIMARY KEY,
    setting TEXT NOT NULL,
    -- asked, confirmed, withdrawn
    step TEXT NOT NULL,
    person TEXT NOT NULL,
    at_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX setting_step_by_setting ON setting_step (setting, id);

-- Registrable domains that look like AI and that no rule knows.
CREATE TABLE suspect (
    domain TEXT NOT NULL PRIMARY KEY,
    n {{int}} NOT NULL,
    sources {{int}} NOT NULL,
    first_day {{int}} NOT NULL,
    last_day {{int}} NOT NULL
) {{keyed}};
CREATE INDEX suspect_by_n ON suspect (n, domain);
CREATE INDEX suspect_by_last_day ON suspect (last_day);

-- What they are summed up from, for as long as it is kept. A source is a pseudonym: it leads to no sensor without a key that
-- is not in this database.
CREATE TABLE suspect_count (
    domain TEXT NOT NULL,
    source TEXT NOT NULL,
    day {{int}} NOT NULL,
    n {{int}} NOT NULL,
    PRIMARY KEY (domain, source, day)
) {{keyed}};
CREATE INDEX suspect_count_by_day ON suspect_count (day, source);

-- Domains that a person looked at and wants no more of.
CREATE TABLE suspect_dismissal (
    domain TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    at_ms {{int}} NOT NULL
) {{keyed}};
