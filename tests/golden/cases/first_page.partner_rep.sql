SELECT (
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT a.j0 AS "edges", (
        SELECT row_to_json(x)
        FROM (
          SELECT a.total > 2 AS "hasNextPage", false AS "hasPreviousPage", CASE WHEN least(a.total, 2) > 0 THEN encode(
            uuid_send(a.first_id) || substr(
              sha256($2::bytea || uuid_send(a.first_id) || convert_to(ROW(a.first_k0, a.first_k1)::text, 'UTF8')), 1, 11
            ), 'base64'
          ) END AS "startCursor", CASE WHEN least(a.total, 2) > 0 THEN encode(
            uuid_send(a.last_id) || substr(
              sha256($2::bytea || uuid_send(a.last_id) || convert_to(ROW(a.last_k0, a.last_k1)::text, 'UTF8')), 1, 11
            ), 'base64'
          ) END AS "endCursor"
        ) x
      ) AS "pageInfo", (
        SELECT count(*)
        FROM products t2
        WHERE t2.organization_id = $1::uuid AND (t2.active)
      ) AS "totalCount"
    ) x
  )
  FROM (
    SELECT count(*) AS "total", coalesce(json_agg(q.j0) FILTER (WHERE q.n <= 2), '[]'::json) AS "j0", (array_agg(q.id))[1] AS "first_id", (array_agg(q.id))[least(count(*), 2)] AS "last_id", (array_agg(q.k0))[1] AS "first_k0", (array_agg(q.k0))[least(count(*), 2)] AS "last_k0", (array_agg(q.k1))[1] AS "first_k1", (array_agg(q.k1))[least(count(*), 2)] AS "last_k1"
    FROM (
      SELECT row_number() OVER () AS n, r.*
      FROM (
        SELECT t1.id AS "id", t1.currency AS "k0", t1.list_price AS "k1", (
          SELECT row_to_json(x)
          FROM (
            SELECT encode(
              uuid_send(t1.id) || substr(
                sha256($2::bytea || uuid_send(t1.id) || convert_to(ROW(t1.currency, t1.list_price)::text, 'UTF8')), 1, 11
              ), 'base64'
            ) AS "cursor", (
              SELECT row_to_json(x)
              FROM (SELECT t1.name AS "name" ) x
            ) AS "node"
          ) x
        ) AS "j0"
        FROM products t1
        WHERE t1.organization_id = $1::uuid AND (t1.active)
        ORDER BY t1.currency, t1.list_price NULLS LAST, t1.id
        LIMIT 3
      ) r
    ) q
  ) a
)
