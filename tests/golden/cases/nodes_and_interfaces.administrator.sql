SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT 'Customer'::text AS "__typename", 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", t1.risk_note AS "riskNote"
        FROM customers t1
        WHERE t1.organization_id = $1::uuid AND t1.id = $2::uuid
      ) x
    ) AS "node", (
      SELECT coalesce(
        json_agg(
          CASE asked.prefix WHEN 'prd' THEN (
            SELECT row_to_json(x)
            FROM (
              SELECT 'Product'::text AS "__typename", t2.created_at AS "createdAt", t2.name AS "name", CASE WHEN t2.unit_cost IS NOT NULL THEN json_build_object('amount', (t2.unit_cost)::text) END AS "unitCost"
              FROM products t2
              WHERE t2.organization_id = $1::uuid AND t2.id = asked.id
            ) x
          ) WHEN 'cus' THEN (
            SELECT row_to_json(x)
            FROM (
              SELECT 'Customer'::text AS "__typename", t3.created_at AS "createdAt", t3.name AS "name"
              FROM customers t3
              WHERE t3.organization_id = $1::uuid AND t3.id = asked.id
            ) x
          ) END
          ORDER BY asked.place
        ), '[]'::json
      )
      FROM unnest(ARRAY['prd', 'cus', 'cus', 'zzz']::text[], ARRAY[$3::uuid, $4::uuid, $5::uuid, $6::uuid]::uuid[])
      WITH ORDINALITY asked(prefix, id, place)
    ) AS "nodes"
  ) x
)
