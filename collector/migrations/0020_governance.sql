-- ── The audit trail: one entry for every change, written in its transaction ──────────────────
-- Only ever added to. Triggers of the program keep accidents away; what keeps intruders from rewriting it unseen is the tree over the
-- leaves, signed with a key that is not in this database.
CREATE TABLE trail (
    -- from 0, without gaps
    seq {{int}} NOT NULL PRIMARY KEY,
    at_ms {{int}} NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    -- canonical JSON (RFC 8785), the columns before among it
    entry TEXT NOT NULL,
    -- SHA-256(0x00 and the entry), in hexadecimal
    leaf TEXT NOT NULL
) {{table}};
CREATE INDEX trail_by_object ON trail (kind, id, seq);
CREATE INDEX trail_by_actor ON trail (actor, seq);
CREATE INDEX trail_by_time ON trail (at_ms, seq);

-- What an entry commits to: the reason, and the fields that were set. Apart, so that it can be erased.
CREATE TABLE trail_payload (
    seq {{int}} NOT NULL PRIMARY KEY,
    salt TEXT NOT NULL,
    payload TEXT NOT NULL
) {{table}};

-- ── Governed records, each as JSON in the version that stands ────────────────────────────────
CREATE TABLE governed (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version {{int}} NOT NULL,
    -- SHA-256(0x02, nonce and the canonical body), in hexadecimal
    hash TEXT NOT NULL,
    nonce TEXT NOT NULL,
    -- the entry that made this version, and when
    seq {{int}} NOT NULL,
    at_ms {{int}} NOT NULL,
    body TEXT NOT NULL,
    -- JSON: field → [entry, actor, when] of its last setting
    stamps TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) {{table}};

-- ── What lists of AI systems are read from: made of the records in the same transaction ──────
DROP TABLE ai_system_product;
DROP TABLE ai_system;
CREATE TABLE ai_system (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- name, reference, labels and vendor, folded to lower case
    search TEXT NOT NULL,
    kind TEXT NOT NULL,
    review TEXT NOT NULL,
    sanction TEXT NOT NULL,
    scope TEXT NOT NULL,
    stage TEXT NOT NULL,
    observed TEXT NOT NULL,
    enforcement TEXT NOT NULL,
    tier TEXT NOT NULL,
    ai_act_class TEXT NOT NULL,
    -- number of a person; 0: nobody
    owner {{int}} NOT NULL,
    risk_owner {{int}} NOT NULL,
    -- something is asked for
    requested {{int}} NOT NULL,
    -- gone into another record
    merged {{int}} NOT NULL,
    -- first day on which time alone changes it; 0: none
    watch_day {{int}} NOT NULL,
    created_at_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX ai_system_by_name ON ai_system (name, id);
CREATE INDEX ai_system_by_review ON ai_system (review, id);
CREATE INDEX ai_system_by_owner ON ai_system (owner, id);
CREATE INDEX ai_system_by_watch_day ON ai_system (watch_day, id);

CREATE TABLE ai_system_product (
    system TEXT NOT NULL,
    -- id in the catalogue
    product TEXT NOT NULL,
    PRIMARY KEY (system, product)
) {{keyed}};
CREATE INDEX ai_system_product_by_product ON ai_system_product (product, system);

CREATE TABLE ai_system_unit (
    system TEXT NOT NULL,
    unit {{int}} NOT NULL,
    PRIMARY KEY (system, unit)
) {{keyed}};
CREATE INDEX ai_system_unit_by_unit ON ai_system_unit (unit, system);

-- ── Roll-up: what was ever seen of a product that a decision may rest on ─────────────────────
CREATE TABLE product_sign (
    product {{int}} NOT NULL,
    -- flag, publisher
    sign TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (product, sign, word)
) {{keyed}};
