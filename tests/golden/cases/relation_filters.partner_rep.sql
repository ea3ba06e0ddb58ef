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
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND EXISTS (
            SELECT 1
            FROM opportunities t4
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t4.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t4k
            WHERE t4.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t4.partner_id = $3::uuid
            ) AND t4.customer_id = t3.id AND CASE WHEN t4k.cl >= 20 THEN t4.customer_id END = t3.id AND t4.status = $5::text AND CASE WHEN t4k.cl >= 20 THEN t4.status END = $4::text OFFSET 0
          )
        ) AS "totalCount"
      ) x
    ) AS "some", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t7
          WHERE t7.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t7.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND NOT EXISTS (
            SELECT 1
            FROM opportunities t8
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t8.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t8.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t8k
            WHERE t8.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t8.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t8.partner_id = $3::uuid
            ) AND t8.customer_id = t7.id AND CASE WHEN t8k.cl >= 20 THEN t8.customer_id END = t7.id OFFSET 0
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
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t12.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND (
            NOT EXISTS (
              SELECT 1
              FROM opportunities t13
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t13.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t13.partner_id = $3::uuid THEN 20 END
                ) AS cl OFFSET 0
              ) t13k
              WHERE t13.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t13.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t13.partner_id = $3::uuid
              ) AND t13.customer_id = t12.id AND CASE WHEN t13k.cl >= 20 THEN t13.customer_id END = t12.id AND NOT coalesce(CASE WHEN t13k.cl >= 20 THEN t13.status END = $6::text, FALSE) OFFSET 0
            ) AND EXISTS (
              SELECT 1
              FROM opportunities t14
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t14.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t14.partner_id = $3::uuid THEN 20 END
                ) AS cl OFFSET 0
              ) t14k
              WHERE t14.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t14.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t14.partner_id = $3::uuid
              ) AND t14.customer_id = t12.id AND CASE WHEN t14k.cl >= 20 THEN t14.customer_id END = t12.id OFFSET 0
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
          CROSS JOIN LATERAL (
            SELECT greatest(
              (
                SELECT max(least(30, sh.clearance))
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t18.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ), CASE WHEN t18.partner_id = $3::uuid THEN 20 END
            ) AS cl OFFSET 0
          ) t18k
          WHERE t18.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t18.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ) OR t18.partner_id = $3::uuid
          ) AND (TRUE AND TRUE) AND (
            EXISTS (
              SELECT 1
              FROM customers t19
              CROSS JOIN LATERAL (
                SELECT greatest(
                  (
                    SELECT max(least(30, sh.clearance))
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.customer_id = t19.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) AS cl OFFSET 0
              ) t19k
              WHERE t19.organization_id = $1::uuid AND (
                EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t19.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              ) AND t18.customer_id = t19.id AND CASE WHEN t18k.cl >= 20 THEN t18.customer_id END = t19.id AND t19.country = $8::text AND CASE WHEN t19k.cl >= 20 THEN t19.country END = $7::text OFFSET 0
            ) AND EXISTS (
              SELECT 1
              FROM stages t20
              WHERE t20.organization_id = $1::uuid AND t18.stage_id = t20.id AND CASE WHEN t18k.cl >= 20 THEN t18.stage_id END = t20.id AND t20.outcome = $9::text
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "toOne"
  ) x
)
