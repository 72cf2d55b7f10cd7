-- Whether a sensor last said that its machine has a graphics processor or another accelerator: what a record runs on is told from it.
ALTER TABLE sensor_coverage ADD COLUMN accelerated {{int}} NOT NULL DEFAULT 0;
UPDATE sensor_coverage SET accelerated = 1 WHERE coverage LIKE '%"accelerators":["%';
CREATE INDEX sensor_coverage_by_accelerated ON sensor_coverage (accelerated, sensor);
