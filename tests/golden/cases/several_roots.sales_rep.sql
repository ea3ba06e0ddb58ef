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
    ) AS "organizations", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t2.name AS "name", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT t3.name AS "name", t3.probability AS "probability"
            FROM stages t3
            WHERE t3.organization_id = $1::uuid AND t3.pipeline_id = t2.id
            ORDER BY t3.position, t3.id
            LIMIT 50
          ) x
        ) AS "stages"
        FROM pipelines t2
        WHERE t2.organization_id = $1::uuid
        ORDER BY t2.id
        LIMIT 50
      ) x
    ) AS "pipelines", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM teams t5
          WHERE t5.organization_id = $1::uuid
        ) AS "totalCount"
      ) x
    ) AS "teams", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t7
          WHERE t7.organization_id = $1::uuid
        ) AS "totalCount"
      ) x
    ) AS "products"
  ) x
)
