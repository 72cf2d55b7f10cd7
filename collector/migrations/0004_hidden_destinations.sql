-- The newest coverage report tells hidden destinations, and encrypted DNS by its kind.
ALTER TABLE sensor_seen ADD COLUMN hidden_destinations {{int}} NOT NULL DEFAULT 0;
ALTER TABLE sensor_seen ADD COLUMN dns_over_tls {{int}} NOT NULL DEFAULT 0;
ALTER TABLE sensor_seen ADD COLUMN dns_over_https {{int}} NOT NULL DEFAULT 0;
