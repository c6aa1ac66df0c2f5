CREATE SCHEMA IF NOT EXISTS reactor_hello;

-- One row.
CREATE TABLE reactor_hello.visitors (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  count int NOT NULL
);
INSERT INTO reactor_hello.visitors (count) VALUES (0);
