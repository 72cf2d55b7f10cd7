-- The days of which a sensor told while its clock was off, as numbers, from the first to the last; null: it never was.
ALTER TABLE sensor_seen ADD COLUMN clock_off_from {{int}};
ALTER TABLE sensor_seen ADD COLUMN clock_off_until {{int}};
UPDATE sensor_seen SET
    clock_off_from = (last_report_at_ms + CASE WHEN clock_skew_ms < 0 THEN clock_skew_ms ELSE 0 END) / 86400000,
    clock_off_until = (last_report_at_ms + CASE WHEN clock_skew_ms > 0 THEN clock_skew_ms ELSE 0 END) / 86400000
WHERE clock_skew_ms > 300000 OR clock_skew_ms < -300000;

-- Machines that told the first day of a product. The day comes first, so that nothing that asks for a product alone goes this way.
CREATE INDEX product_asset_by_first_day ON product_asset (first_day, product, asset);
