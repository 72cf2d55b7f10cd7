-- The last day that each sign of a product was seen; 0: before this was kept, until it is seen again or the roll-ups are made anew.
ALTER TABLE product_sign ADD COLUMN last_day {{int}} NOT NULL DEFAULT 0;

-- Whether what a finding asks holds, whatever people did with it: what holds and is closed or dismissed is counted.
-- {{json}} after a text makes it JSON: SQLite nothing, PostgreSQL ::json.
ALTER TABLE finding ADD COLUMN holds {{int}} NOT NULL DEFAULT 0;
UPDATE finding SET holds = 1
FROM governed AS g
WHERE g.kind = 'finding' AND g.id = finding.id AND CAST(g.body{{json}} ->> 'holds' AS TEXT) IN ('1', 'true');
CREATE INDEX finding_by_holds ON finding (holds, open);
