/** Films, who made them and who plays in them: every kind of relationship. */
export const FILMS = `
CREATE TYPE mood AS ENUM ('sad', 'fine', 'happy');
CREATE TABLE directors (id int PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, mentor_id int REFERENCES directors);
CREATE TABLE films (
  id int PRIMARY KEY,
  director_id int REFERENCES directors,
  title text NOT NULL,
  year int NOT NULL,
  rating numeric(3,1),
  language text,
  tags text[] NOT NULL DEFAULT '{}',
  info jsonb NOT NULL DEFAULT '{}',
  shown daterange,
  mood mood,
  released boolean,
  search tsvector GENERATED ALWAYS AS (to_tsvector('english', title)) STORED
);
CREATE TABLE technical_specs (film_id int PRIMARY KEY REFERENCES films, camera text, runtime interval);
CREATE TABLE actors (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE roles (
  film_id int REFERENCES films, actor_id int REFERENCES actors, character text, PRIMARY KEY (film_id, actor_id)
);
CREATE TABLE addresses (id int PRIMARY KEY, city text);
CREATE TABLE orders (
  id int PRIMARY KEY,
  billing_id int CONSTRAINT orders_billing REFERENCES addresses,
  shipping_id int CONSTRAINT orders_shipping REFERENCES addresses,
  amount numeric NOT NULL,
  day date NOT NULL
);
INSERT INTO directors VALUES (1, 'Agnès', 'Varda', NULL), (2, 'Akira', 'Kurosawa', NULL), (3, 'Sidney', 'Lumet', 2);
INSERT INTO films (id, director_id, title, year, rating, language, tags, info, shown, mood, released) VALUES
  (1, 1, 'Cléo from 5 to 7', 1962, 7.9, 'fr', '{paris,"new wave"}', '{"box": {"usd": 100}, "stars": ["a", "b"]}', '[1962-04-11,1962-06-01)', 'sad', true),
  (2, 2, 'Seven Samurai', 1954, 8.6, 'ja', '{sword,rain}', '{"box": {"usd": 900}, "stars": ["c"]}', '[1954-04-26,1954-09-01)', 'fine', true),
  (3, 2, 'Yojimbo, "the bodyguard"', 1961, 8.2, 'ja', '{sword}', '{"box": {"usd": 300}}', '[1961-04-25,1961-08-01)', 'happy', true),
  (4, 3, '12 Angry Men', 1957, 9.0, 'en', '{}', '{}', NULL, NULL, true),
  (5, NULL, 'Untitled (100%)', 2030, NULL, NULL, '{}', '{}', NULL, NULL, NULL);
INSERT INTO technical_specs VALUES (1, 'Caméflex', '01:30'), (4, 'Mitchell', '01:36');
INSERT INTO actors VALUES (1, 'Corinne'), (2, 'Toshiro'), (3, 'Henry'), (4, 'Nobody');
INSERT INTO roles VALUES (1, 1, 'Cléo'), (2, 2, 'Kikuchiyo'), (3, 2, 'Sanjuro'), (4, 3, 'Juror 8');
INSERT INTO addresses VALUES (1, 'Paris'), (2, 'Kyoto');
INSERT INTO orders VALUES (1, 1, 2, 10, '2024-01-01'), (2, 1, 1, 5.5, '2024-01-01'), (3, 2, NULL, 4.5, '2024-01-02');
`;
