-- Runs before the first migration on a database that Reactor has not seen, and after it on one of the first release, whose
-- tables are the app's own by then. What was there before Reactor stays closed until an operator exposes it, so it is noted
-- here, with what the request roles had of it: they belong to the whole server, and may be older than this database.
DO $$
BEGIN
  IF to_regnamespace('reactor_data') IS NOT NULL THEN
    RETURN;
  END IF;
  CREATE SCHEMA reactor_data_before;
  CREATE TABLE reactor_data_before.relations AS
    SELECT c.oid, c.relacl::text AS acl FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S');
END $$;
