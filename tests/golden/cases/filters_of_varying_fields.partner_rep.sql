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
          ) IS TRUE
        )
      ) AND (
        (
          (
            strpos(crm_fold(t2.email), crm_fold($6::text)) > 0 OR strpos(crm_fold(t2.email_mask), crm_fold($7::text)) > 0
          ) AND (
            (
              (
                t2.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                )
              ) IS TRUE
            )
          )
        ) AND ((t2.city_fold = left(crm_fold($8::text), 500) AND t2.city = $8::text) OR t2.employees > $9::integer)
      ) AND (
        strpos(
          crm_fold(
            CASE WHEN (
              (
                (
                  t2.id IN (
                    SELECT sh.customer_id
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
                  )
                ) IS TRUE
              )
            ) THEN t2.email WHEN (
              (
                (
                  t2.id IN (
                    SELECT sh.customer_id
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                  )
                ) IS TRUE
              )
            ) THEN t2.email_mask END
          ), crm_fold($3::text)
        ) > 0 AND (
          (
            (
              (
                (
                  t2.id IN (
                    SELECT sh.customer_id
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                  )
                ) IS TRUE
              )
            ) AND (t2.city_fold = left(crm_fold($4::text), 500) AND t2.city = $4::text)
          ) OR (
            (
              (
                (
                  t2.id IN (
                    SELECT sh.customer_id
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
                  )
                ) IS TRUE
              )
            ) AND t2.employees > $5::integer
          )
        )
      )
    ) AS "totalCount"
  ) x
)
