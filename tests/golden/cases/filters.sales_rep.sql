SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t2
          WHERE t2.organization_id = $1::uuid AND (
            (
              t2.name_fold >= left(crm_fold($2::text), 500) AND t2.name_fold < left(crm_fold($2::text), 500) || U&'\+10FFFF'
            ) AND strpos(t2.name_fold, crm_fold($3::text)) > 0
          )
        ) AS "totalCount"
      ) x
    ) AS "text", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t4
          WHERE t4.organization_id = $1::uuid AND (
            t4.name_fold = ANY(
              ARRAY(
                SELECT left(crm_fold(x), 500)
                FROM unnest($4::text[]) x
              )
            ) AND t4.name = ANY($4::text[])
          )
        ) AS "totalCount"
      ) x
    ) AS "list", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t6
          WHERE t6.organization_id = $1::uuid AND (t6.kind <> $5::text AND t6.country <> ALL($6::text[]))
        ) AS "totalCount"
      ) x
    ) AS "choice", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t8
          WHERE t8.organization_id = $1::uuid AND t8.created_at >= $7::timestamptz
        ) AS "totalCount"
      ) x
    ) AS "time", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t10
          WHERE t10.organization_id = $1::uuid AND (t10.list_price BETWEEN $8::numeric AND $9::numeric AND t10.currency = $10::text)
        ) AS "totalCount"
      ) x
    ) AS "range", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t12
          WHERE t12.organization_id = $1::uuid AND t12.series IS NULL
        ) AS "totalCount"
      ) x
    ) AS "empty", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t14
          WHERE t14.organization_id = $1::uuid AND t14.active = $11::boolean
        ) AS "totalCount"
      ) x
    ) AS "flag"
  ) x
)
