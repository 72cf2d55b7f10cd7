-- Evidence says more of a connection: the package of the executable, and that no local socket has it.
ALTER TABLE evidence ADD COLUMN package TEXT;
ALTER TABLE evidence ADD COLUMN forwarded {{int}} NOT NULL DEFAULT 0;
