-- What both recipes, load.sql and access.sql, are written with.

-- An evenly spread fraction of 1, by number and purpose.
CREATE FUNCTION pg_temp.part(n bigint, purpose bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended(n, purpose) & 1048575) / 1048576.0;
-- UUIDv7 of a moment.
CREATE FUNCTION pg_temp.made(at timestamptz, n bigint, purpose bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid
        FROM (SELECT md5(n || '/' || purpose) AS h) AS hashed
    );
CREATE FUNCTION pg_temp.pick(words text[], fraction float8) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN words[1 + floor(fraction * cardinality(words))::integer];

CREATE TEMP TABLE life AS SELECT timestamptz '2023-01-02 08:00+00' AS began, timestamptz '2026-01-02 08:00+00' AS ended;
CREATE TEMP TABLE org AS SELECT '01856f2a-0000-7000-8000-000000000001'::uuid AS id;
