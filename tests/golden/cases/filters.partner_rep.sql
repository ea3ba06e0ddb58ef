SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t3
          WHERE t3.organization_id = $1::uuid AND (
            (
              (
                t3.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND (
            (
              t3.name_fold >= left(crm_fold($3::text), 500) AND t3.name_fold < left(crm_fold($3::text), 500) || U&'\+10FFFF'
            ) AND strpos(t3.name_fold, crm_fold($4::text)) > 0
          )
        ) AS "totalCount"
      ) x
    ) AS "text", (
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
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND (
            t6.name_fold = ANY(
              ARRAY(
                SELECT left(crm_fold(x), 500)
                FROM unnest($5::text[]) x
              )
            ) AND t6.name = ANY($5::text[])
          )
        ) AS "totalCount"
      ) x
    ) AS "list", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t9
          WHERE t9.organization_id = $1::uuid AND (
            (
              (
                t9.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                )
              )
            )
          ) AND (t9.kind <> $6::text AND t9.country <> ALL($7::text[]))
        ) AS "totalCount"
      ) x
    ) AS "choice", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t12
          WHERE t12.organization_id = $1::uuid AND (
            (
              (
                t12.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            )
          ) AND t12.created_at >= $8::timestamptz
        ) AS "totalCount"
      ) x
    ) AS "time", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t15
          WHERE t15.organization_id = $1::uuid AND (t15.active) AND (t15.list_price BETWEEN $9::numeric AND $10::numeric AND t15.currency = $11::text)
        ) AS "totalCount"
      ) x
    ) AS "range", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t18
          WHERE t18.organization_id = $1::uuid AND (t18.active) AND t18.series IS NULL
        ) AS "totalCount"
      ) x
    ) AS "empty", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM products t21
          WHERE t21.organization_id = $1::uuid AND (t21.active) AND t21.active = $12::boolean
        ) AS "totalCount"
      ) x
    ) AS "flag"
  ) x
)
