SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t4
          WHERE t4.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND EXISTS (
            SELECT 1
            FROM opportunities t6
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t6.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t6.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t6k
            WHERE t6.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t6.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t6.partner_id = $3::uuid
            ) AND CASE WHEN t6k.cl >= 20 THEN t6.customer_id END = t4.id AND t6.status = $7::text AND CASE WHEN t6k.cl >= 20 THEN t6.status END = $6::text
          ) AND EXISTS (
            SELECT 1
            FROM opportunities t5
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t5.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t5k
            WHERE t5.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t5.partner_id = $3::uuid
            ) AND CASE WHEN t5k.cl >= 20 THEN t5.customer_id END = t4.id AND t5.status = $5::text AND CASE WHEN t5k.cl >= 20 THEN t5.status END = $4::text
          )
        ) AS "totalCount"
      ) x
    ) AS "some", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t9
          WHERE t9.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t9.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND NOT EXISTS (
            SELECT 1
            FROM opportunities t10
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t10.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t10.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t10k
            WHERE t10.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t10.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t10.partner_id = $3::uuid
            ) AND CASE WHEN t10k.cl >= 20 THEN t10.customer_id END = t9.id
          )
        ) AS "totalCount"
      ) x
    ) AS "none", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t14
          WHERE t14.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t14.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND (
            NOT EXISTS (
              SELECT 1
              FROM opportunities t15
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t15.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t15.partner_id = $3::uuid THEN 20 END
                ) AS cl OFFSET 0
              ) t15k
              WHERE t15.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t15.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t15.partner_id = $3::uuid
              ) AND CASE WHEN t15k.cl >= 20 THEN t15.customer_id END = t14.id AND NOT coalesce(CASE WHEN t15k.cl >= 20 THEN t15.status END = $8::text, FALSE)
            ) AND EXISTS (
              SELECT 1
              FROM opportunities t16
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t16.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t16.partner_id = $3::uuid THEN 20 END
                ) AS cl OFFSET 0
              ) t16k
              WHERE t16.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t16.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t16.partner_id = $3::uuid
              ) AND CASE WHEN t16k.cl >= 20 THEN t16.customer_id END = t14.id
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "every", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM opportunities t22
          CROSS JOIN LATERAL (
            SELECT greatest(
              (
                SELECT max(least(30, sh.clearance))
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t22.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ), CASE WHEN t22.partner_id = $3::uuid THEN 20 END
            ) AS cl OFFSET 0
          ) t22k
          WHERE t22.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t22.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ) OR t22.partner_id = $3::uuid
          ) AND (
            EXISTS (
              SELECT 1
              FROM customers t25
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.customer_id = t25.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) AS cl OFFSET 0
              ) t25k
              WHERE t25.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t25.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              ) AND t25.id = CASE WHEN t22k.cl >= 20 THEN t22.customer_id END AND t25.country = $13::text AND CASE WHEN t25k.cl >= 20 THEN t25.country END = $12::text
            ) AND EXISTS (
              SELECT 1
              FROM stages t26
              WHERE t26.organization_id = $1::uuid AND t26.id = CASE WHEN t22k.cl >= 20 THEN t22.stage_id END AND t26.outcome = $14::text
            )
          ) AND (
            EXISTS (
              SELECT 1
              FROM customers t23
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.customer_id = t23.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) AS cl OFFSET 0
              ) t23k
              WHERE t23.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t23.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              ) AND t23.id = CASE WHEN t22k.cl >= 20 THEN t22.customer_id END AND t23.country = $10::text AND CASE WHEN t23k.cl >= 20 THEN t23.country END = $9::text
            ) AND EXISTS (
              SELECT 1
              FROM stages t24
              WHERE t24.organization_id = $1::uuid AND t24.id = CASE WHEN t22k.cl >= 20 THEN t22.stage_id END AND t24.outcome = $11::text
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "toOne"
  ) x
)
