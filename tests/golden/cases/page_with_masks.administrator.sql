SELECT (
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT a.j0 AS "edges", (
        SELECT row_to_json(x)
        FROM (
          SELECT a.total > 10 AS "hasNextPage", CASE WHEN least(a.total, 10) > 0 THEN encode(
            uuid_send(a.last_id) || substr(sha256($2::bytea || uuid_send(a.last_id) || convert_to(ROW(a.last_k0)::text, 'UTF8')), 1, 11), 'base64'
          ) END AS "endCursor"
        ) x
      ) AS "pageInfo"
    ) x
  )
  FROM (
    SELECT count(*) AS "total", coalesce(json_agg(q.j0) FILTER (WHERE q.n <= 10), '[]'::json) AS "j0", (array_agg(q.id))[1] AS "first_id", (array_agg(q.id))[least(count(*), 10)] AS "last_id", (array_agg(q.k0))[1] AS "first_k0", (array_agg(q.k0))[least(count(*), 10)] AS "last_k0"
    FROM (
      SELECT row_number() OVER () AS n, r.*
      FROM (
        SELECT t1.id AS "id", t1.created_at AS "k0", (
          SELECT row_to_json(x)
          FROM (
            SELECT encode(
              uuid_send(t1.id) || substr(sha256($2::bytea || uuid_send(t1.id) || convert_to(ROW(t1.created_at)::text, 'UTF8')), 1, 11), 'base64'
            ) AS "cursor", (
              SELECT row_to_json(x)
              FROM (
                SELECT 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", t1.email AS "email", t1.phone AS "phone", t1.employees AS "employees", (
                  SELECT row_to_json(x)
                  FROM (
                    SELECT t2.name AS "name"
                    FROM users t2
                    WHERE t2.organization_id = $1::uuid AND t2.id = t1.owner_id
                  ) x
                ) AS "owner", '[]'::json AS "hiddenFields", '[]'::json AS "maskedFields", (
                  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
                  FROM (
                    SELECT t3.name AS "name", t3.email AS "email"
                    FROM contacts t3
                    WHERE t3.organization_id = $1::uuid AND t3.customer_id = t1.id
                    ORDER BY t3.id
                    LIMIT 2
                  ) x
                ) AS "contacts"
              ) x
            ) AS "node"
          ) x
        ) AS "j0"
        FROM customers t1
        WHERE t1.organization_id = $1::uuid
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT 11
      ) r
    ) q
  ) a
)
