SELECT (
  SELECT row_to_json(x$)
  FROM (
    SELECT (
      SELECT row_to_json(x$)
      FROM (
        SELECT (
          SELECT coalesce(json_agg(x$), '[]'::json)
          FROM (
            SELECT t1.name AS "x"
            FROM products t1
            WHERE t1.organization_id = $1::uuid AND (t1.active)
            ORDER BY t1.name_fold, t1.id
            LIMIT 2
          ) x$
        ) AS "nodes", (
          SELECT count(*)
          FROM products t2
          WHERE t2.organization_id = $1::uuid AND (t2.active)
        ) AS "x"
      ) x$
    ) AS "products", (
      SELECT json_build_object('nodes', coalesce(json_agg(x$), '[]'::json))
      FROM (
        SELECT t3.name AS "x", t3.series AS "family"
        FROM products t3
        WHERE t3.organization_id = $1::uuid AND (t3.active)
        ORDER BY t3.name_fold, t3.id
        LIMIT 1
      ) x$
    ) AS "x"
  ) x$
)
