-- Changes of the schema are events as all others: one channel for whatever the servers tell each other.
CREATE OR REPLACE FUNCTION reactor_data.notify_schema_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('reactor.reconciling', true) = 'on' THEN
    RETURN;
  END IF;
  -- Functions may make temporary tables in every request; those are not in the schema.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands())
    OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp')
  THEN
    PERFORM pg_catalog.pg_notify('reactor_events', 'data.schema');
  END IF;
END $$;
