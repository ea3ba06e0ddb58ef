SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT NULL::json AS "node", (
      SELECT coalesce(
        json_agg(
          CASE asked.prefix WHEN 'prd' THEN (
            SELECT row_to_json(x)
            FROM (
              SELECT 'Product'::text AS "__typename", t2.created_at AS "createdAt", t2.name AS "name", NULL::json AS "unitCost"
              FROM products t2
              WHERE t2.organization_id = $1::uuid AND (t2.active) AND t2.id = asked.id
            ) x
          ) END
          ORDER BY asked.place
        ), '[]'::json
      )
      FROM unnest(ARRAY['prd', 'cus', 'cus', 'zzz']::text[], ARRAY[$2::uuid, $3::uuid, $4::uuid, $5::uuid]::uuid[])
      WITH ORDINALITY asked(prefix, id, place)
    ) AS "nodes"
  ) x
)
