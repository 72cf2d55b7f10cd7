-- One text for SQLite and PostgreSQL. The migrator puts in what differs:
--   {{int}}    64-bit integer            SQLite INTEGER                  PostgreSQL BIGINT
--   {{table}}  end of an ordinary table  SQLite STRICT                   PostgreSQL nothing
--   {{keyed}}  end of a table that is its primary key
--                                        SQLite WITHOUT ROWID, STRICT    PostgreSQL nothing
-- Times are Unix milliseconds, days are counted from 1970-01-01, booleans are 0 and 1.
-- No foreign keys: ids come from dictionaries that only grow.

-- ── The collector itself ─────────────────────────────────────────────────────────────────────
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) {{keyed}};

-- Numbers that are given out once and never again.
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value {{int}} NOT NULL
) {{keyed}};

-- ── Who reports ──────────────────────────────────────────────────────────────────────────────
CREATE TABLE unit (
    id {{int}} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) {{table}};

CREATE TABLE asset (
    id {{int}} NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL UNIQUE,
    unit {{int}} NOT NULL,
    hostname TEXT NOT NULL,
    os TEXT NOT NULL,
    os_version TEXT NOT NULL,
    arch TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    -- hostname and system, folded to lower case
    search TEXT NOT NULL,
    first_day {{int}} NOT NULL
) {{table}};
CREATE INDEX asset_by_name ON asset (hostname, id);
CREATE INDEX asset_by_unit ON asset (unit, id);

-- The hottest column of all stands alone and narrow.
CREATE TABLE asset_seen (
    asset {{int}} NOT NULL PRIMARY KEY,
    -- 0: never
    last_report_at_ms {{int}} NOT NULL
) {{keyed}};
CREATE INDEX asset_seen_by_time ON asset_seen (last_report_at_ms, asset);

CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    unit {{int}} NOT NULL,
    label TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms {{int}} NOT NULL,
    expires_at_ms {{int}} NOT NULL,
    max_uses {{int}} NOT NULL,
    uses {{int}} NOT NULL,
    last_used_at_ms {{int}},
    last_host TEXT,
    revoked_at_ms {{int}}
) {{keyed}};

CREATE TABLE sensor (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    asset {{int}} NOT NULL,
    token TEXT,
    enrolled_at_ms {{int}} NOT NULL,
    revoked_at_ms {{int}},
    clone_suspected_at_ms {{int}}
) {{table}};
CREATE INDEX sensor_by_asset ON sensor (asset, id);

-- Keys that are let in, by the SHA-256 of their SubjectPublicKeyInfo.
CREATE TABLE certificate (
    key_hash TEXT NOT NULL PRIMARY KEY,
    sensor {{int}} NOT NULL,
    issued_at_ms {{int}} NOT NULL,
    ends_at_ms {{int}} NOT NULL
) {{keyed}};
CREATE INDEX certificate_by_sensor ON certificate (sensor, ends_at_ms);

CREATE TABLE sensor_seen (
    sensor {{int}} NOT NULL PRIMARY KEY,
    -- copied from sensor, so that the Coverage page reads in the order of one index
    revoked {{int}} NOT NULL,
    -- 0: never
    last_report_at_ms {{int}} NOT NULL,
    clock_skew_ms {{int}} NOT NULL,
    boot TEXT NOT NULL,
    boot_before TEXT NOT NULL,
    -- how often the boot before came back: two machines alternate
    boot_returns {{int}} NOT NULL,
    rows_refused {{int}} NOT NULL,
    unknown_fields {{int}} NOT NULL,
    -- quota of new rows: the collector's day they were counted on, and how many
    quota_day {{int}} NOT NULL,
    quota_rows {{int}} NOT NULL,
    -- rules, channels and sources that it was the first to bring
    new_words {{int}} NOT NULL,
    -- its newest coverage report by its own clock: when it was sent, and what is summed over the fleet
    sent_at_ms {{int}} NOT NULL,
    capturing {{int}} NOT NULL,
    hellos {{int}} NOT NULL,
    hellos_without_name {{int}} NOT NULL,
    hellos_with_ech {{int}} NOT NULL,
    encrypted_dns {{int}} NOT NULL,
    kernel_drops {{int}} NOT NULL,
    unattributed {{int}} NOT NULL,
    sources_unread {{int}} NOT NULL
) {{keyed}};
CREATE INDEX sensor_seen_by_time ON sensor_seen (revoked, last_report_at_ms, sensor);

-- What a sensor last said of itself, in the words of the wire.
CREATE TABLE sensor_coverage (
    sensor {{int}} NOT NULL PRIMARY KEY,
    agent_version TEXT NOT NULL,
    catalogue_version TEXT NOT NULL,
    coverage TEXT NOT NULL
) {{keyed}};

-- ── Dictionaries ─────────────────────────────────────────────────────────────────────────────
CREATE TABLE product (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE,
    -- from the catalogue, refreshed when it changes
    name TEXT NOT NULL,
    vendor TEXT NOT NULL,
    kind TEXT NOT NULL,
    search TEXT NOT NULL,
    known {{int}} NOT NULL,
    embedded {{int}} NOT NULL
) {{table}};

CREATE TABLE rule (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) {{table}};

CREATE TABLE channel (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) {{table}};

CREATE TABLE source (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) {{table}};

-- Pseudonyms, keyed a second time with a key that is not in this database.
CREATE TABLE account (
    id {{int}} NOT NULL PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) {{table}};

CREATE TABLE epoch (
    id {{int}} NOT NULL PRIMARY KEY,
    sensor {{int}} NOT NULL,
    word TEXT NOT NULL,
    UNIQUE (sensor, word)
) {{table}};

CREATE TABLE evidence (
    id {{int}} NOT NULL PRIMARY KEY,
    -- SHA-256 of the four texts, cut to 128 bits
    hash TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL,
    version TEXT,
    executable TEXT,
    container TEXT
) {{table}};

-- ── Facts ────────────────────────────────────────────────────────────────────────────────────
-- account 0: not known whose.
CREATE TABLE activity (
    asset {{int}} NOT NULL,
    day {{int}} NOT NULL,
    rule {{int}} NOT NULL,
    channel {{int}} NOT NULL,
    account {{int}} NOT NULL,
    evidence {{int}} NOT NULL,
    epoch {{int}} NOT NULL,
    n {{int}} NOT NULL,
    PRIMARY KEY (asset, day, rule, channel, account, evidence, epoch)
) {{keyed}};

-- One source of one machine, as one state database of its sensor reported it.
CREATE TABLE snapshot (
    asset {{int}} NOT NULL,
    source {{int}} NOT NULL,
    epoch {{int}} NOT NULL,
    generation {{int}} NOT NULL,
    -- the newest generation that saw the whole source; items below it are gone. -1: none yet
    complete_generation {{int}} NOT NULL,
    -- the sensor's clock, not after ours: the newest of all epochs of a source is the current one
    sent_at_ms {{int}} NOT NULL,
    PRIMARY KEY (asset, source, epoch)
) {{keyed}};

CREATE TABLE snapshot_item (
    asset {{int}} NOT NULL,
    source {{int}} NOT NULL,
    epoch {{int}} NOT NULL,
    rule {{int}} NOT NULL,
    channel {{int}} NOT NULL,
    account {{int}} NOT NULL,
    evidence {{int}} NOT NULL,
    -- the newest generation that held it
    generation {{int}} NOT NULL,
    details TEXT NOT NULL,
    -- words in order, parted by one space
    flags TEXT NOT NULL,
    first_day {{int}} NOT NULL,
    last_day {{int}} NOT NULL,
    present {{int}} NOT NULL,
    PRIMARY KEY (asset, source, epoch, rule, channel, account, evidence)
) {{keyed}};
CREATE INDEX snapshot_item_by_evidence ON snapshot_item (evidence, rule, channel, present, flags);

-- The days of ours on which a scan came that held something of this rule.
CREATE TABLE scan_day (
    asset {{int}} NOT NULL,
    rule {{int}} NOT NULL,
    day {{int}} NOT NULL,
    PRIMARY KEY (asset, rule, day)
) {{keyed}};

-- ── Roll-ups: kept in the transaction of the facts, rebuilt from them at will ────────────────
-- channels and levels are sets, bit i standing for number i.
CREATE TABLE product_asset (
    product {{int}} NOT NULL,
    asset {{int}} NOT NULL,
    channels {{int}} NOT NULL,
    levels {{int}} NOT NULL,
    -- best confidence of any evidence, and of evidence that can carry a candidate; 0: none
    confidence {{int}} NOT NULL,
    carrying {{int}} NOT NULL,
    connected_days {{int}} NOT NULL,
    n {{int}} NOT NULL,
    first_day {{int}} NOT NULL,
    last_day {{int}} NOT NULL,
    PRIMARY KEY (product, asset)
) {{keyed}};
CREATE INDEX product_asset_by_asset ON product_asset (asset, product);
CREATE INDEX product_asset_by_day ON product_asset (product, last_day, asset);

-- A set: this product on this asset on this day; connected: by tls, quic or http.
CREATE TABLE asset_product_day (
    asset {{int}} NOT NULL,
    product {{int}} NOT NULL,
    day {{int}} NOT NULL,
    connected {{int}} NOT NULL,
    PRIMARY KEY (asset, product, day)
) {{keyed}};

CREATE TABLE product_day (
    product {{int}} NOT NULL,
    day {{int}} NOT NULL,
    assets {{int}} NOT NULL,
    n {{int}} NOT NULL,
    PRIMARY KEY (product, day)
) {{keyed}};

CREATE TABLE asset_day (
    asset {{int}} NOT NULL,
    day {{int}} NOT NULL,
    products {{int}} NOT NULL,
    n {{int}} NOT NULL,
    PRIMARY KEY (asset, day)
) {{keyed}};

CREATE TABLE fleet_day (
    day {{int}} NOT NULL PRIMARY KEY,
    assets {{int}} NOT NULL,
    n {{int}} NOT NULL
) {{keyed}};

CREATE TABLE product_unit (
    product {{int}} NOT NULL,
    unit {{int}} NOT NULL,
    assets {{int}} NOT NULL,
    PRIMARY KEY (product, unit)
) {{keyed}};

CREATE TABLE asset_summary (
    asset {{int}} NOT NULL PRIMARY KEY,
    products {{int}} NOT NULL
) {{keyed}};
CREATE INDEX asset_summary_by_products ON asset_summary (products, asset);

CREATE TABLE product_summary (
    product {{int}} NOT NULL PRIMARY KEY,
    channels {{int}} NOT NULL,
    levels {{int}} NOT NULL,
    -- after corroboration
    confidence {{int}} NOT NULL,
    candidate {{int}} NOT NULL,
    assets {{int}} NOT NULL,
    first_day {{int}} NOT NULL,
    last_day {{int}} NOT NULL
) {{keyed}};

-- A set: this piece of evidence on this asset (account 0), and on it by this account.
CREATE TABLE asset_evidence (
    asset {{int}} NOT NULL,
    rule {{int}} NOT NULL,
    channel {{int}} NOT NULL,
    evidence {{int}} NOT NULL,
    account {{int}} NOT NULL,
    PRIMARY KEY (asset, rule, channel, evidence, account)
) {{keyed}};

CREATE TABLE evidence_summary (
    product {{int}} NOT NULL,
    rule {{int}} NOT NULL,
    channel {{int}} NOT NULL,
    evidence {{int}} NOT NULL,
    assets {{int}} NOT NULL,
    accounts {{int}} NOT NULL,
    n {{int}} NOT NULL,
    -- snapshot items that hold it now, and that ever held it
    present {{int}} NOT NULL,
    items {{int}} NOT NULL,
    first_day {{int}} NOT NULL,
    last_day {{int}} NOT NULL,
    PRIMARY KEY (product, rule, channel, evidence)
) {{keyed}};
CREATE INDEX evidence_summary_by_assets ON evidence_summary (product, assets);

-- ── The governed record ──────────────────────────────────────────────────────────────────────
CREATE TABLE ai_system (
    id {{int}} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at_ms {{int}} NOT NULL
) {{table}};

CREATE TABLE ai_system_product (
    system {{int}} NOT NULL,
    product {{int}} NOT NULL,
    PRIMARY KEY (system, product)
) {{keyed}};
CREATE INDEX ai_system_product_by_product ON ai_system_product (product, system);

-- ── People ───────────────────────────────────────────────────────────────────────────────────
CREATE TABLE person (
    id {{int}} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- argon2id with its parameters and salt; absent: only a one-time link signs in
    password TEXT,
    created_at_ms {{int}} NOT NULL,
    last_sign_in_at_ms {{int}}
) {{table}};

CREATE TABLE sign_in_link (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    person {{int}} NOT NULL,
    expires_at_ms {{int}} NOT NULL
) {{keyed}};

CREATE TABLE session (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    person {{int}} NOT NULL,
    created_at_ms {{int}} NOT NULL,
    used_at_ms {{int}} NOT NULL
) {{keyed}};
CREATE INDEX session_by_person ON session (person);
