-- Who asks for something on a record, when, and who decides on it: the queue of requests is read from these.
-- {{json}} after a text makes it JSON: SQLite nothing, PostgreSQL ::json.
ALTER TABLE ai_system DROP COLUMN requested;
-- number of a person; 0: nothing is asked for
ALTER TABLE ai_system ADD COLUMN requested_by {{int}} NOT NULL DEFAULT 0;
ALTER TABLE ai_system ADD COLUMN requested_at_ms {{int}} NOT NULL DEFAULT 0;
-- role that decides on it; empty: nothing is asked for
ALTER TABLE ai_system ADD COLUMN decider TEXT NOT NULL DEFAULT '';
CREATE INDEX ai_system_by_decider ON ai_system (decider, requested_at_ms, id);

UPDATE ai_system SET
    requested_by = CAST(g.body{{json}} -> 'request' ->> 'by' AS {{int}}),
    requested_at_ms = CAST(g.body{{json}} -> 'request' ->> 'at_ms' AS {{int}}),
    decider = CASE g.body{{json}} -> 'request' -> 'wish' ->> 'what'
        WHEN 'scope-out' THEN 'scope-owner' ELSE 'reviewer' END
FROM governed AS g
WHERE g.kind = 'system' AND g.id = ai_system.id AND g.body{{json}} -> 'request' ->> 'by' IS NOT NULL;
