-- The people of the organisation: whom records name as owners, and of them those who sign in. Without a grant and without a password
-- a person stands in the directory only.
ALTER TABLE person ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN email TEXT;
ALTER TABLE person ADD COLUMN unit {{int}};
-- who answers where this person does not
ALTER TABLE person ADD COLUMN manager {{int}};
-- who left keeps the row, since records name it
ALTER TABLE person ADD COLUMN active {{int}} NOT NULL DEFAULT 1;
-- the key of the directory that the person came from
ALTER TABLE person ADD COLUMN external_id TEXT;
-- made up, so that the product can be tried
ALTER TABLE person ADD COLUMN demonstration {{int}} NOT NULL DEFAULT 0;
-- names and address, folded to lower case
ALTER TABLE person ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE person SET display_name = name, search = name;
CREATE UNIQUE INDEX person_by_external_id ON person (external_id);
CREATE INDEX person_by_display_name ON person (display_name, id);
CREATE INDEX person_by_unit ON person (unit, id);
CREATE INDEX person_by_manager ON person (manager);

-- Units stand in a tree. A role held for a unit counts below it too.
ALTER TABLE unit ADD COLUMN parent {{int}};

-- Roles that are held. Unit 0: the whole organisation.
CREATE TABLE person_grant (
    person {{int}} NOT NULL,
    role TEXT NOT NULL,
    unit {{int}} NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at_ms {{int}} NOT NULL,
    PRIMARY KEY (person, role, unit)
) {{keyed}};
CREATE INDEX person_grant_by_role ON person_grant (role, unit);
-- Who could only read can still only read.
INSERT INTO person_grant (person, role, unit, granted_by, granted_at_ms)
    SELECT id, CASE role WHEN 'administrator' THEN 'administrator' ELSE 'auditor' END, 0, 'before roles', created_at_ms
    FROM person;
ALTER TABLE person DROP COLUMN role;

-- The second factor of a sign-in (RFC 6238).
CREATE TABLE person_totp (
    person {{int}} NOT NULL PRIMARY KEY,
    -- sealed under a key that this database does not hold
    secret TEXT NOT NULL,
    -- absent: it is being set up, and no code was given back yet
    confirmed_at_ms {{int}},
    -- the newest time step that a code was taken of: no code counts twice
    last_step {{int}} NOT NULL
) {{keyed}};

-- Each signs in once in place of a code.
CREATE TABLE recovery_code (
    person {{int}} NOT NULL,
    code_hash TEXT NOT NULL,
    used_at_ms {{int}},
    PRIMARY KEY (person, code_hash)
) {{keyed}};

-- When the person of the session last proved to be there, beyond holding its cookie.
ALTER TABLE session ADD COLUMN confirmed_at_ms {{int}} NOT NULL DEFAULT 0;

-- What programs sign in with, in the name of a person.
CREATE TABLE api_token (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    person {{int}} NOT NULL,
    label TEXT NOT NULL,
    -- words in order, parted by one space
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms {{int}} NOT NULL,
    expires_at_ms {{int}} NOT NULL,
    last_used_at_ms {{int}},
    revoked_at_ms {{int}}
) {{keyed}};
CREATE INDEX api_token_by_person ON api_token (person, created_at_ms);

-- Who read what is close to a person, and when. Kept for twelve months.
CREATE TABLE person_reading (
    id {{int}} NOT NULL PRIMARY KEY,
    at_ms {{int}} NOT NULL,
    reader {{int}} NOT NULL,
    -- asset
    what TEXT NOT NULL,
    -- its number
    subject {{int}} NOT NULL
) {{table}};
CREATE INDEX person_reading_by_time ON person_reading (at_ms, id);
