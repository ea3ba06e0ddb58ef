SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT NULL::json AS "text", NULL::json AS "list", NULL::json AS "choice", NULL::json AS "time", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t6
          WHERE t6.organization_id = $1::uuid AND (t6.active) AND (t6.list_price BETWEEN $2::numeric AND $3::numeric AND t6.currency = $4::text)
        ) AS "totalCount"
      ) x
    ) AS "range", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t8
          WHERE t8.organization_id = $1::uuid AND (t8.active) AND t8.series IS NULL
        ) AS "totalCount"
      ) x
    ) AS "empty", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t10
          WHERE t10.organization_id = $1::uuid AND (t10.active) AND t10.active = $5::boolean
        ) AS "totalCount"
      ) x
    ) AS "flag"
  ) x
)
