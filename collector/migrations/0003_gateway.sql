-- Machines that gateway sensors saw. Each is an asset; a machine with a sensor of its own has no row here.
CREATE TABLE station (
    asset {{int}} NOT NULL PRIMARY KEY,
    -- whose word is the newest, and when it was sent
    sensor {{int}} NOT NULL,
    sent_at_ms {{int}} NOT NULL,
    -- empty: not known
    mac TEXT NOT NULL,
    address TEXT NOT NULL,
    host_name TEXT NOT NULL
) {{keyed}};
CREATE INDEX station_by_mac ON station (mac, asset);
CREATE INDEX station_by_address ON station (sensor, address, asset);

-- Which asset a sensor's word for a machine stands for. Written once: a row sent again reaches the same asset.
CREATE TABLE subject (
    sensor {{int}} NOT NULL,
    word TEXT NOT NULL,
    asset {{int}} NOT NULL,
    PRIMARY KEY (sensor, word)
) {{keyed}};
CREATE INDEX subject_by_asset ON subject (asset, sensor);
