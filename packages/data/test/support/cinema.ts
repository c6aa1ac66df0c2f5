import { FILMS } from './films.js';

/** Films and what else the documentation of PostgREST tells stories about; everybody may do everything. */
export const CINEMA = `${FILMS}
CREATE TABLE competitions (id int PRIMARY KEY, name text NOT NULL, year int NOT NULL);
CREATE TABLE nominations (
  competition_id int REFERENCES competitions, film_id int REFERENCES films, rank int,
  PRIMARY KEY (competition_id, film_id)
);
CREATE TABLE box_office (
  day date NOT NULL, film_id int NOT NULL REFERENCES films, gross numeric(12,2) NOT NULL, PRIMARY KEY (day, film_id)
) PARTITION BY RANGE (day);
CREATE TABLE box_office_2021_01 PARTITION OF box_office FOR VALUES FROM ('2021-01-01') TO ('2021-02-01');
CREATE TABLE box_office_2021_02 PARTITION OF box_office FOR VALUES FROM ('2021-02-01') TO ('2021-03-01');
CREATE TABLE halls (cinema text, number int, seats int NOT NULL, PRIMARY KEY (cinema, number));
CREATE TABLE screenings (
  id int PRIMARY KEY, film_id int REFERENCES films, cinema text, hall int, starts timestamptz,
  FOREIGN KEY (cinema, hall) REFERENCES halls
);
CREATE TABLE presidents (id int PRIMARY KEY, last_name text, predecessor_id int UNIQUE REFERENCES presidents);
CREATE TABLE users (id int PRIMARY KEY, username text);
CREATE TABLE subscriptions (
  subscriber_id int REFERENCES users, subscribed_id int REFERENCES users, PRIMARY KEY (subscriber_id, subscribed_id)
);
CREATE TABLE people (
  id int PRIMARY KEY, first_name text, last_name text, age int, height int, student boolean, grade int,
  salary numeric(10,2), json_data json
);
CREATE TYPE coordinates AS (lat numeric(8,6), long numeric(9,6));
CREATE TABLE countries (id int PRIMARY KEY, location coordinates, languages text[]);
CREATE TABLE "Order Items" (id int PRIMARY KEY, "Unit Price" int, "information.cpe" text);
CREATE TABLE "موارد" (id int PRIMARY KEY, "اسم" text);
CREATE TABLE customers (id int PRIMARY KEY, name text, city text, state text, joined date);
CREATE TABLE invoices (
  id int PRIMARY KEY, customer_id int REFERENCES customers, amount numeric, day date, details jsonb
);
CREATE VIEW nominated WITH (security_invoker) AS
  SELECT f.title AS film_title, c.name AS competition, n.rank, n.film_id AS nominated_film_id, f.id AS film_id
  FROM nominations n JOIN films f ON f.id = n.film_id JOIN competitions c ON c.id = n.competition_id;

INSERT INTO competitions VALUES (1, 'Cannes', 1962), (2, 'Venice', 1954), (3, 'Berlin', 1957), (4, 'Venice', 1961);
INSERT INTO nominations VALUES (1, 1, 5), (2, 2, 1), (3, 4, 1), (4, 3, 2);
INSERT INTO box_office VALUES ('2021-01-05', 2, 1000000), ('2021-01-06', 2, 900000), ('2021-02-01', 4, 2500000.50);
INSERT INTO halls VALUES ('Odeon', 1, 100), ('Odeon', 2, 50), ('Rex', 1, 300);
INSERT INTO screenings VALUES
  (1, 1, 'Odeon', 1, '2024-07-01T18:00:00Z'), (2, 2, 'Rex', 1, '2024-07-01T20:30:00Z'), (3, 2, NULL, NULL, NULL);
INSERT INTO presidents VALUES (1, 'Washington', NULL), (2, 'Adams', 1), (3, 'Jefferson', 2);
INSERT INTO users VALUES (1, 'top_streamer'), (2, 'patrick'), (3, 'alicia'), (4, 'top_artist');
INSERT INTO subscriptions VALUES (2, 4), (3, 4), (4, 1);
INSERT INTO people VALUES
  (1, 'John', 'Doe', 30, 180, false, 80, 90000, '{"blood_type": "A-", "age": 30, "phones": [{"country": "61", "number": "917"}]}'),
  (2, 'Jane', 'Doe', 20, 170, true, 95, 120000, '{"blood_type": "O+", "age": 20, "phones": [{"country": "43", "number": "512"}, {"country": "43", "number": "213"}]}'),
  (3, 'Mary', 'Hebdon,Williams', 14, 150, true, 91, NULL, '{"blood_type": "A-", "age": 14}'),
  (4, 'Samuel "Sam"', 'Beckett', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO countries VALUES
  (1, '(19.741755,-155.844437)', '{en,haw}'), (2, '(-33.45,-70.66)', '{es}'), (3, NULL, NULL);
INSERT INTO "Order Items" VALUES (1, 100, 'MS Word'), (2, 300, 'Emacs');
INSERT INTO "موارد" VALUES (1, 'ماء'), (2, 'نار');
INSERT INTO customers VALUES
  (1, 'Anna', 'New York', 'NY', '2013-10-01'), (2, 'Bert', 'Los Angeles', 'CA', '2016-02-11'),
  (3, 'Carl', 'Los Angeles', 'CA', '2023-10-15');
INSERT INTO invoices VALUES
  (1, 1, 215.22, '2023-09-01', '{"tax": 10}'), (2, 1, 905.73, '2023-09-02', '{"tax": 20}'),
  (3, 2, 329.71, '2023-09-01', '{"tax": 30}'), (4, 3, 425.87, '2023-09-02', NULL);

DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY anybody ON %s USING (true)', t);
  END LOOP;
END $$;
`;
