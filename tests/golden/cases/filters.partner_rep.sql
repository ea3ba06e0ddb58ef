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
              (
                t2.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND (
            (
              t2.name_fold >= left(crm_fold($3::text), 500) AND t2.name_fold < left(crm_fold($3::text), 500) || U&'\+10FFFF'
            ) AND strpos(t2.name_fold, crm_fold($4::text)) > 0
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
            (
              (
                t4.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND (
            t4.name_fold = ANY(
              ARRAY(
                SELECT left(crm_fold(x), 500)
                FROM unnest($5::text[]) x
              )
            ) AND t4.name = ANY($5::text[])
          )
        ) AS "totalCount"
      ) x
    ) AS "list", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t6
          WHERE t6.organization_id = $1::uuid AND (
            (
              (
                t6.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                )
              )
            )
          ) AND (t6.kind <> $6::text AND t6.country <> ALL($7::text[]))
        ) AS "totalCount"
      ) x
    ) AS "choice", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t8
          WHERE t8.organization_id = $1::uuid AND (
            (
              (
                t8.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND t8.created_at >= $8::timestamptz
        ) AS "totalCount"
      ) x
    ) AS "time", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t10
          WHERE t10.organization_id = $1::uuid AND (t10.active) AND (t10.list_price BETWEEN $9::numeric AND $10::numeric AND t10.currency = $11::text)
        ) AS "totalCount"
      ) x
    ) AS "range", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t12
          WHERE t12.organization_id = $1::uuid AND (t12.active) AND t12.series IS NULL
        ) AS "totalCount"
      ) x
    ) AS "empty", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t14
          WHERE t14.organization_id = $1::uuid AND (t14.active) AND t14.active = $12::boolean
        ) AS "totalCount"
      ) x
    ) AS "flag"
  ) x
)
