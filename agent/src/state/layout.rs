//! The tables of the state database, and the way to them from earlier layouts.

/// All tables of a new database.
pub(super) const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE stream (id BLOB NOT NULL UNIQUE, last INTEGER NOT NULL) STRICT;
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL, rule TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
    value TEXT NOT NULL, version TEXT NOT NULL, executable TEXT NOT NULL, container TEXT NOT NULL,
    package TEXT NOT NULL, forwarded INTEGER NOT NULL,
    count INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, touched INTEGER NOT NULL, subject TEXT NOT NULL,
    UNIQUE (day, rule, channel, subject, account, value, version, executable, container, package, forwarded)
) STRICT;
CREATE INDEX activity_due ON activity (id) WHERE count > acked;
CREATE INDEX activity_touched ON activity (touched);
CREATE INDEX activity_subject ON activity (subject) WHERE subject <> '';
CREATE TABLE station (
    subject TEXT PRIMARY KEY, address TEXT NOT NULL, host_name TEXT NOT NULL,
    version INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE snapshot (
    source TEXT PRIMARY KEY, generation INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0,
    complete INTEGER NOT NULL, items TEXT NOT NULL
) STRICT;
CREATE TABLE software (
    source TEXT NOT NULL, kind TEXT NOT NULL, identifier TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (source, kind, identifier, version)
) STRICT, WITHOUT ROWID;
";

/// From layout 1: the rows keep their numbers, so that what was sent stays sent.
pub(super) const TO_2: &str = "
DROP INDEX activity_due;
DROP INDEX activity_touched;
ALTER TABLE activity RENAME TO activity_1;
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL, rule TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
    value TEXT NOT NULL, version TEXT NOT NULL, executable TEXT NOT NULL, container TEXT NOT NULL,
    package TEXT NOT NULL, forwarded INTEGER NOT NULL,
    count INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, touched INTEGER NOT NULL,
    UNIQUE (day, rule, channel, account, value, version, executable, container, package, forwarded)
) STRICT;
INSERT INTO activity
    SELECT id, day, rule, channel, account, value, version, executable, container, '', 0, count, acked, touched
    FROM activity_1;
DROP TABLE activity_1;
CREATE INDEX activity_due ON activity (id) WHERE count > acked;
CREATE INDEX activity_touched ON activity (touched);
";

/// From layout 2: the same, with the machine that a row is about.
pub(super) const TO_3: &str = "
DROP INDEX activity_due;
DROP INDEX activity_touched;
ALTER TABLE activity RENAME TO activity_2;
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL, rule TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
    value TEXT NOT NULL, version TEXT NOT NULL, executable TEXT NOT NULL, container TEXT NOT NULL,
    package TEXT NOT NULL, forwarded INTEGER NOT NULL,
    count INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0, touched INTEGER NOT NULL, subject TEXT NOT NULL,
    UNIQUE (day, rule, channel, subject, account, value, version, executable, container, package, forwarded)
) STRICT;
INSERT INTO activity
    SELECT id, day, rule, channel, account, value, version, executable, container, package, forwarded, count, acked,
        touched, ''
    FROM activity_2;
DROP TABLE activity_2;
CREATE INDEX activity_due ON activity (id) WHERE count > acked;
CREATE INDEX activity_touched ON activity (touched);
CREATE INDEX activity_subject ON activity (subject) WHERE subject <> '';
CREATE TABLE station (
    subject TEXT PRIMARY KEY, address TEXT NOT NULL, host_name TEXT NOT NULL,
    version INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0
) STRICT;
";
