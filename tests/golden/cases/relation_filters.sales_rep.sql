SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t4
          WHERE t4.organization_id = $1::uuid AND EXISTS (
            SELECT 1
            FROM opportunities t6
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN t6.owner_id = $2::uuid THEN 40 END, (
                  SELECT max(least(40, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t6.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t6.team_id = ANY($4::uuid[]) THEN 30 END
              ) AS cl OFFSET 0
            ) t6k
            WHERE t6.organization_id = $1::uuid AND (
              t6.owner_id = $2::uuid OR EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t6.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t6.team_id = ANY($4::uuid[])
            ) AND CASE WHEN t6k.cl >= 20 THEN t6.customer_id END = t4.id AND t6.status = $8::text AND CASE WHEN t6k.cl >= 20 THEN t6.status END = $7::text
          ) AND EXISTS (
            SELECT 1
            FROM opportunities t5
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN t5.owner_id = $2::uuid THEN 40 END, (
                  SELECT max(least(40, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t5.team_id = ANY($4::uuid[]) THEN 30 END
              ) AS cl OFFSET 0
            ) t5k
            WHERE t5.organization_id = $1::uuid AND (
              t5.owner_id = $2::uuid OR EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t5.team_id = ANY($4::uuid[])
            ) AND CASE WHEN t5k.cl >= 20 THEN t5.customer_id END = t4.id AND t5.status = $6::text AND CASE WHEN t5k.cl >= 20 THEN t5.status END = $5::text
          )
        ) AS "totalCount"
      ) x
    ) AS "some", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM customers t9
          WHERE t9.organization_id = $1::uuid AND NOT EXISTS (
            SELECT 1
            FROM opportunities t10
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN t10.owner_id = $2::uuid THEN 40 END, (
                  SELECT max(least(40, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t10.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t10.team_id = ANY($4::uuid[]) THEN 30 END
              ) AS cl OFFSET 0
            ) t10k
            WHERE t10.organization_id = $1::uuid AND (
              t10.owner_id = $2::uuid OR EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t10.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t10.team_id = ANY($4::uuid[])
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
            NOT EXISTS (
              SELECT 1
              FROM opportunities t15
              CROSS JOIN LATERAL (
                SELECT greatest(
                  CASE WHEN t15.owner_id = $2::uuid THEN 40 END, (
                    SELECT max(least(40, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t15.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t15.team_id = ANY($4::uuid[]) THEN 30 END
                ) AS cl OFFSET 0
              ) t15k
              WHERE t15.organization_id = $1::uuid AND (
                t15.owner_id = $2::uuid OR EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t15.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t15.team_id = ANY($4::uuid[])
              ) AND CASE WHEN t15k.cl >= 20 THEN t15.customer_id END = t14.id AND NOT coalesce(CASE WHEN t15k.cl >= 20 THEN t15.status END = $9::text, FALSE)
            ) AND EXISTS (
              SELECT 1
              FROM opportunities t16
              CROSS JOIN LATERAL (
                SELECT greatest(
                  CASE WHEN t16.owner_id = $2::uuid THEN 40 END, (
                    SELECT max(least(40, sh.clearance))
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t16.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ), CASE WHEN t16.team_id = ANY($4::uuid[]) THEN 30 END
                ) AS cl OFFSET 0
              ) t16k
              WHERE t16.organization_id = $1::uuid AND (
                t16.owner_id = $2::uuid OR EXISTS (
                  SELECT 1
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t16.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) OR t16.team_id = ANY($4::uuid[])
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
          FROM opportunities t20
          CROSS JOIN LATERAL (
            SELECT greatest(
              CASE WHEN t20.owner_id = $2::uuid THEN 40 END, (
                SELECT max(least(40, sh.clearance))
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t20.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ), CASE WHEN t20.team_id = ANY($4::uuid[]) THEN 30 END
            ) AS cl OFFSET 0
          ) t20k
          WHERE t20.organization_id = $1::uuid AND (
            t20.owner_id = $2::uuid OR EXISTS (
              SELECT 1
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t20.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ) OR t20.team_id = ANY($4::uuid[])
          ) AND (
            EXISTS (
              SELECT 1
              FROM customers t21
              WHERE t21.organization_id = $1::uuid AND t21.id = CASE WHEN t20k.cl >= 20 THEN t20.customer_id END AND t21.country = $10::text
            ) AND EXISTS (
              SELECT 1
              FROM stages t22
              WHERE t22.organization_id = $1::uuid AND t22.id = CASE WHEN t20k.cl >= 20 THEN t20.stage_id END AND t22.outcome = $11::text
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "toOne"
  ) x
)
