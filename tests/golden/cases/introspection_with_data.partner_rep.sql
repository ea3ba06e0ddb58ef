SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name"
    FROM products t1
    WHERE t1.organization_id = $1::uuid AND (t1.active)
    ORDER BY t1.name_fold, t1.id
    LIMIT 1
  ) x
)
