-- Who made a sign-in link; absent: a command on the collector's own machine.
ALTER TABLE sign_in_link ADD COLUMN made_by {{int}};
-- The session began with a link that somebody else made, and its person has not proved to be there since.
ALTER TABLE session ADD COLUMN let_in {{int}} NOT NULL DEFAULT 0;
-- Who came in by a link that somebody else made, without a second factor of their own: they are nobody's second person for a day, and
-- who made the link is not the second person of what was asked for then.
CREATE TABLE link_use (
    person {{int}} NOT NULL,
    used_at_ms {{int}} NOT NULL,
    made_by {{int}} NOT NULL,
    PRIMARY KEY (person, used_at_ms, made_by)
) {{keyed}};
CREATE INDEX link_use_by_maker ON link_use (made_by, used_at_ms);
