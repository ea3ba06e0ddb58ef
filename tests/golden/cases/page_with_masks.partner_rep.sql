SELECT (
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT a.j0 AS "edges", (
        SELECT row_to_json(x)
        FROM (
          SELECT a.total > 10 AS "hasNextPage", CASE WHEN least(a.total, 10) > 0 THEN encode(
            uuid_send(a.last_id) || substr(sha256($3::bytea || uuid_send(a.last_id) || convert_to(ROW(a.last_k0)::text, 'UTF8')), 1, 11), 'base64'
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
              uuid_send(t1.id) || substr(sha256($3::bytea || uuid_send(t1.id) || convert_to(ROW(t1.created_at)::text, 'UTF8')), 1, 11), 'base64'
            ) AS "cursor", (
              SELECT row_to_json(x)
              FROM (
                SELECT 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", CASE WHEN t1k.cl >= 30 THEN t1.email WHEN t1k.cl >= 20 THEN t1.email_mask END AS "email", CASE WHEN t1k.cl >= 30 THEN t1.phone WHEN t1k.cl >= 20 THEN t1.phone_mask END AS "phone", CASE WHEN t1k.cl >= 30 THEN t1.employees END AS "employees", (
                  SELECT row_to_json(x)
                  FROM (
                    SELECT t2.name AS "name"
                    FROM users t2
                    WHERE t2.organization_id = $1::uuid AND (t2.partner_id = $4::uuid) AND t2.id = CASE WHEN t1k.cl >= 30 THEN t1.owner_id END
                  ) x
                ) AS "owner", CASE WHEN t1k.cl >= 30 THEN '["bornOn","lifetimeValue","riskNote"]'::json WHEN t1k.cl >= 20 THEN '["version","updatedAt","source","externalId","bornOn","employees","taxNumber","creditLimit","limitRequest","lifetimeValue","riskNote","notes","owner","team","territory","parent"]'::json WHEN t1k.cl >= 10 THEN '["version","updatedAt","source","externalId","segment","stage","industry","email","phone","website","city","country","locale","bornOn","foundedIn","employees","taxNumber","annualRevenue","creditLimit","limitRequest","lifetimeValue","riskNote","notes","owner","team","territory","parent"]'::json END AS "hiddenFields", CASE WHEN t1k.cl >= 30 THEN '["taxNumber","creditLimit"]'::json WHEN t1k.cl >= 20 THEN '["email","phone","annualRevenue"]'::json WHEN t1k.cl >= 10 THEN '[]'::json END AS "maskedFields", (
                  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
                  FROM (
                    SELECT CASE WHEN t3k.cl >= 20 THEN t3.name WHEN t3k.cl >= 10 THEN t3.name_mask END AS "name", CASE WHEN t3k.cl >= 30 THEN t3.email WHEN t3k.cl >= 20 THEN t3.email_mask END AS "email"
                    FROM contacts t3
                    CROSS JOIN LATERAL (SELECT greatest(least(30, t1k.cl)) AS cl OFFSET 0) t3k
                    WHERE t3.organization_id = $1::uuid AND t3.customer_id = t1.id AND CASE WHEN t3k.cl >= 20 THEN t3.customer_id END = t1.id
                    ORDER BY t3.id
                    LIMIT 2
                  ) x
                ) AS "contacts"
              ) x
            ) AS "node"
          ) x
        ) AS "j0"
        FROM (
          SELECT *
          FROM (
            (
              SELECT DISTINCT t1.created_at AS k0, t1.id AS id
              FROM unnest($2::uuid[]) g(id)
              CROSS JOIN LATERAL (
                SELECT DISTINCT sh.row_created_at AS created_at, sh.customer_id AS id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = g.id AND sh.valid_from <= now() AND sh.valid_until > now()
                ORDER BY sh.row_created_at DESC, sh.customer_id DESC
                LIMIT 11
              ) t1
              ORDER BY t1.created_at DESC, t1.id DESC
              LIMIT 11
            )
          ) u
          ORDER BY u.k0 DESC, u.id DESC
          LIMIT 11
        ) t1q
        CROSS JOIN customers t1
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AS cl OFFSET 0
        ) t1k
        WHERE t1.organization_id = $1::uuid AND t1.id = t1q.id
        ORDER BY t1q.k0 DESC, t1q.id DESC
      ) r
    ) q
  ) a
)
