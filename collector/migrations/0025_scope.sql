-- ── What there should be, and what the management system covers ──────────────────────────────
-- The endpoints of each list. A list is a governed record, which holds their number and the hash of the file.
CREATE TABLE expected_endpoint (
    source TEXT NOT NULL,
    -- in the order of the list; for those by hand the number of the record
    n {{int}} NOT NULL,
    -- empty: not said
    hostname TEXT NOT NULL,
    machine TEXT NOT NULL,
    unit TEXT NOT NULL,
    platform TEXT NOT NULL,
    PRIMARY KEY (source, n)
) {{keyed}};

-- What the list of scope statements is read from: made of the records in the same transaction.
CREATE TABLE statement (
    number {{int}} NOT NULL PRIMARY KEY,
    -- draft, proposed, signed
    state TEXT NOT NULL,
    -- when its content was frozen, and when it was signed; 0: not yet
    as_of_ms {{int}} NOT NULL,
    signed_at_ms {{int}} NOT NULL,
    -- of the signed document, in hexadecimal; empty: not yet
    hash TEXT NOT NULL,
    included {{int}} NOT NULL,
    excluded {{int}} NOT NULL,
    undetermined {{int}} NOT NULL
) {{table}};
