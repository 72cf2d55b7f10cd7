-- Lists that somebody wants to come back to: an address of ours under a name of theirs.
CREATE TABLE saved_view (
    person {{int}} NOT NULL,
    number {{int}} NOT NULL,
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (person, number)
) {{keyed}};

-- How far somebody had looked when they last said so; product: the greatest number of one by then.
CREATE TABLE last_look (
    person {{int}} NOT NULL PRIMARY KEY,
    at_ms {{int}} NOT NULL,
    product {{int}} NOT NULL
) {{keyed}};

-- Machines of a unit that showed AI on a day.
CREATE TABLE unit_day (
    unit {{int}} NOT NULL,
    day {{int}} NOT NULL,
    assets {{int}} NOT NULL,
    PRIMARY KEY (unit, day)
) {{keyed}};
INSERT INTO unit_day (unit, day, assets)
    SELECT a.unit, d.day, count(*) FROM asset_day d JOIN asset a ON a.id = d.asset GROUP BY a.unit, d.day;

-- A machine is found by how its name begins.
CREATE INDEX asset_by_search ON asset (search, id);
