-- What the trail came to, signed with a key that is not in this database. Only ever added to.
CREATE TABLE checkpoint (
    -- entries that it is of
    size {{int}} NOT NULL PRIMARY KEY,
    at_ms {{int}} NOT NULL,
    -- the signed note
    note TEXT NOT NULL,
    -- roots of the tree's full subtrees, in hexadecimal, with spaces between: the next one goes on from them, after
    -- they were compared with the note
    peaks TEXT NOT NULL,
    -- answer of a time-stamping authority (RFC 3161) for the note, in hexadecimal; empty: none
    stamp TEXT NOT NULL
) {{table}};
