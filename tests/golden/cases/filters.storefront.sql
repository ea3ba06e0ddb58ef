SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT NULL::json AS "text", NULL::json AS "list", NULL::json AS "choice", NULL::json AS "time", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t7
          WHERE t7.organization_id = $1::uuid AND (t7.active) AND (t7.list_price BETWEEN $2::numeric AND $3::numeric AND t7.currency = $4::text)
        ) AS "totalCount"
      ) x
    ) AS "range", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t10
          WHERE t10.organization_id = $1::uuid AND (t10.active) AND t10.series IS NULL
        ) AS "totalCount"
      ) x
    ) AS "empty", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t13
          WHERE t13.organization_id = $1::uuid AND (t13.active) AND t13.active = $5::boolean
        ) AS "totalCount"
      ) x
    ) AS "flag"
  ) x
)
