SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT t1.name AS "name", 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.created_at AS "createdAt", t1.name AS "called", CASE WHEN t1k.cl >= 20 THEN t1.city END AS "city"
        FROM customers t1
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AS cl OFFSET 0
        ) t1k
        WHERE t1.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          )
        ) AND t1.id = $3::uuid
      ) x
    ) AS "one", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name", 'cus_' || encode(uuid_send(t2.id), 'hex') AS "id", t2.created_at AS "createdAt", 'Customer'::text AS "__typename"
        FROM customers t2
        WHERE t2.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.customer_id = t2.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          )
        ) AND t2.id = $3::uuid
      ) x
    ) AS "again", '"Query"'::json AS "__typename"
  ) x
)
