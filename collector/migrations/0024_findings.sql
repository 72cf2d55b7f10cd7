-- Lists of findings, tasks and documents are read from these tables, made of the governed records in the same transaction.
CREATE TABLE finding (
    -- rule and object: the same question has the same id
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,
    -- 0 low … 3 critical
    severity {{int}} NOT NULL,
    state TEXT NOT NULL,
    open {{int}} NOT NULL,
    -- system, unit
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- number of a person; 0: nobody
    assignee {{int}} NOT NULL,
    -- 0: none
    due_day {{int}} NOT NULL,
    opened_at_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX finding_by_open ON finding (open, severity, due_day, id);
CREATE INDEX finding_by_subject ON finding (subject_kind, subject, rule);
CREATE INDEX finding_by_assignee ON finding (assignee, open);

CREATE TABLE finding_unit (
    finding TEXT NOT NULL,
    unit {{int}} NOT NULL,
    PRIMARY KEY (finding, unit)
) {{keyed}};
CREATE INDEX finding_unit_by_unit ON finding_unit (unit, finding);

CREATE TABLE task (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    open {{int}} NOT NULL,
    purpose TEXT NOT NULL,
    -- empty: it hangs on nothing
    link_kind TEXT NOT NULL,
    link TEXT NOT NULL,
    -- number of a person; 0: nobody
    assignee {{int}} NOT NULL,
    -- 0: none
    due_day {{int}} NOT NULL
) {{table}};
CREATE INDEX task_by_open ON task (open, due_day, id);
CREATE INDEX task_by_link ON task (link_kind, link, open);
CREATE INDEX task_by_assignee ON task (assignee, open);

CREATE TABLE document (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    link_kind TEXT NOT NULL,
    link TEXT NOT NULL,
    superseded {{int}} NOT NULL,
    added_at_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX document_by_link ON document (link_kind, link, superseded, added_at_ms);
