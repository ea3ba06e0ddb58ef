SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", t1.series AS "series"
    FROM products t1
    WHERE t1.organization_id = $1::uuid AND (t1.active) AND (
      (
        (t1.series_fold = left(crm_fold($2::text), 500) AND t1.series = $2::text) OR (
          t1.active = $3::boolean AND NOT coalesce(
            (
              t1.name_fold >= left(crm_fold($4::text), 500) AND t1.name_fold < left(crm_fold($4::text), 500) || U&'\+10FFFF'
            ), FALSE
          )
        )
      ) AND NOT coalesce(t1.sku IS NULL, FALSE)
    )
    ORDER BY t1.name_fold, t1.id
    LIMIT 3
  ) x
)
