SELECT (
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT a.j0 AS "edges", a.j1 AS "nodes", (
        SELECT row_to_json(x)
        FROM (
          SELECT false AS "hasNextPage", a.total > 2 AS "hasPreviousPage", CASE WHEN least(a.total, 2) > 0 THEN encode(
            uuid_send(a.last_id) || substr(sha256($2::bytea || uuid_send(a.last_id) || convert_to(ROW(a.last_k0)::text, 'UTF8')), 1, 11), 'base64'
          ) END AS "startCursor", CASE WHEN least(a.total, 2) > 0 THEN encode(
            uuid_send(a.first_id) || substr(sha256($2::bytea || uuid_send(a.first_id) || convert_to(ROW(a.first_k0)::text, 'UTF8')), 1, 11), 'base64'
          ) END AS "endCursor"
        ) x
      ) AS "pageInfo"
    ) x
  )
  FROM (
    SELECT count(*) AS "total", coalesce(json_agg(q.j0 ORDER BY q.n DESC) FILTER (WHERE q.n <= 2), '[]'::json) AS "j0", coalesce(json_agg(q.j1 ORDER BY q.n DESC) FILTER (WHERE q.n <= 2), '[]'::json) AS "j1", (array_agg(q.id ORDER BY q.n))[1] AS "first_id", (array_agg(q.id ORDER BY q.n))[least(count(*), 2)] AS "last_id", (array_agg(q.k0 ORDER BY q.n))[1] AS "first_k0", (array_agg(q.k0 ORDER BY q.n))[least(count(*), 2)] AS "last_k0"
    FROM (
      SELECT row_number() OVER () AS n, r.*
      FROM (
        SELECT t1.id AS "id", t1.name_fold AS "k0", (
          SELECT row_to_json(x)
          FROM (
            SELECT encode(
              uuid_send(t1.id) || substr(sha256($2::bytea || uuid_send(t1.id) || convert_to(ROW(t1.name_fold)::text, 'UTF8')), 1, 11), 'base64'
            ) AS "cursor", (
              SELECT row_to_json(x)
              FROM (SELECT t1.name AS "name" ) x
            ) AS "node"
          ) x
        ) AS "j0", (
          SELECT row_to_json(x)
          FROM (SELECT t1.sku AS "sku" ) x
        ) AS "j1"
        FROM products t1
        WHERE t1.organization_id = $1::uuid
        ORDER BY t1.name_fold, t1.id
        LIMIT 3
      ) r
    ) q
  ) a
)
