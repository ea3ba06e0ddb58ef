SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t3
          WHERE t3.organization_id = $1::uuid AND EXISTS (
            SELECT 1
            FROM opportunities t4
            WHERE t4.organization_id = $1::uuid AND t4.customer_id = t3.id AND t4.status = $2::text
          )
        ) AS "totalCount"
      ) x
    ) AS "some", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t7
          WHERE t7.organization_id = $1::uuid AND NOT EXISTS (
            SELECT 1
            FROM opportunities t8
            WHERE t8.organization_id = $1::uuid AND t8.customer_id = t7.id
          )
        ) AS "totalCount"
      ) x
    ) AS "none", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t12
          WHERE t12.organization_id = $1::uuid AND (
            NOT EXISTS (
              SELECT 1
              FROM opportunities t13
              WHERE t13.organization_id = $1::uuid AND t13.customer_id = t12.id AND NOT coalesce(t13.status = $3::text, FALSE)
            ) AND EXISTS (
              SELECT 1
              FROM opportunities t14
              WHERE t14.organization_id = $1::uuid AND t14.customer_id = t12.id
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "every", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM opportunities t18
          WHERE t18.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customers t19
              WHERE t19.organization_id = $1::uuid AND t18.customer_id = t19.id AND t19.country = $4::text
            ) AND EXISTS (
              SELECT 1
              FROM stages t20
              WHERE t20.organization_id = $1::uuid AND t18.stage_id = t20.id AND t20.outcome = $5::text
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "toOne"
  ) x
)
