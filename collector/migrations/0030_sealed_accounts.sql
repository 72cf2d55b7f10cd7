-- Names of accounts as agents sealed them to a privacy officer's key, which is not here: nothing in this database opens one. Kept while
-- two people have re-identification switched on, and no longer than anything that the account is of.
CREATE TABLE sealed_account (
    asset {{int}} NOT NULL,
    account {{int}} NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (asset, account)
) {{keyed}};

-- Requests to learn whose an account is, in the order in which they were made. The records themselves are governed.
CREATE TABLE reidentification (
    number {{int}} NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    asked_by {{int}} NOT NULL
) {{table}};
CREATE INDEX reidentification_by_person ON reidentification (asked_by, number);
