-- A restored dump has other oids: then each object is looked for by its name.
CREATE INDEX grants_name ON reactor_data.grants (class, name);
