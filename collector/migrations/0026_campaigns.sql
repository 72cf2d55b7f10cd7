-- ── What lists of campaigns are read from: made of the records in the same transaction ───────
CREATE TABLE campaign (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    due_day {{int}} NOT NULL,
    started_at_ms {{int}} NOT NULL
) {{table}};
CREATE INDEX campaign_by_start ON campaign (started_at_ms, id);

CREATE TABLE campaign_row (
    id TEXT NOT NULL PRIMARY KEY,
    campaign TEXT NOT NULL,
    system TEXT NOT NULL,
    -- number of the person who is asked
    owner {{int}} NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL,
    -- number of the manager who was told; 0: nobody
    manager {{int}} NOT NULL
) {{table}};
CREATE INDEX campaign_row_by_campaign ON campaign_row (campaign, state, id);
CREATE INDEX campaign_row_by_system ON campaign_row (campaign, system, id);
CREATE INDEX campaign_row_by_owner ON campaign_row (owner, state, id);
CREATE INDEX campaign_row_by_manager ON campaign_row (manager, state, id);

-- Which version of a record a person was last sent, and when: what is answered was on the screen, and for how long. It goes into the
-- row with the answer.
CREATE TABLE campaign_served (
    campaign_row TEXT NOT NULL,
    person {{int}} NOT NULL,
    hash TEXT NOT NULL,
    at_ms {{int}} NOT NULL,
    PRIMARY KEY (campaign_row, person)
) {{keyed}};
