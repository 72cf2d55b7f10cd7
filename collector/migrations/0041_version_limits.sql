-- Whether the decision on a record is limited to versions: of its products, a version that comes or goes is news to it.
ALTER TABLE ai_system ADD COLUMN by_version {{int}} NOT NULL DEFAULT 0;
