SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t1.name AS "name", t1.currency AS "currency", NULL::json AS "hosts"
        FROM organizations t1
        WHERE t1.organization_id = $1::uuid
        ORDER BY t1.id
        LIMIT 50
      ) x
    ) AS "organizations", NULL::json AS "pipelines", NULL::json AS "teams", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t5
          WHERE t5.organization_id = $1::uuid AND (t5.active)
        ) AS "totalCount"
      ) x
    ) AS "products"
  ) x
)
