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
            WHERE t4.organization_id = $1::uuid AND (
              t4.owner_id = $2::uuid OR t4.team_id = ANY($4::uuid[]) OR (
                (
                  t4.id IN (
                    SELECT sh.opportunity_id
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) IS TRUE
              )
            ) AND t4.customer_id = t3.id AND CASE WHEN (
              t4.owner_id = $2::uuid OR t4.team_id = ANY($4::uuid[]) OR (
                (
                  t4.id IN (
                    SELECT sh.opportunity_id
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                  )
                ) IS TRUE
              )
            ) THEN t4.customer_id END = t3.id AND (
              (
                t4.owner_id = $2::uuid OR t4.team_id = ANY($4::uuid[]) OR (
                  (
                    t4.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                    )
                  ) IS TRUE
                )
              ) AND t4.status = $5::text
            )
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
            WHERE t8.organization_id = $1::uuid AND (
              t8.owner_id = $2::uuid OR t8.team_id = ANY($4::uuid[]) OR (
                (
                  t8.id IN (
                    SELECT sh.opportunity_id
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) IS TRUE
              )
            ) AND t8.customer_id = t7.id AND CASE WHEN (
              t8.owner_id = $2::uuid OR t8.team_id = ANY($4::uuid[]) OR (
                (
                  t8.id IN (
                    SELECT sh.opportunity_id
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                  )
                ) IS TRUE
              )
            ) THEN t8.customer_id END = t7.id
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
              WHERE t13.organization_id = $1::uuid AND (
                t13.owner_id = $2::uuid OR t13.team_id = ANY($4::uuid[]) OR (
                  (
                    t13.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                    )
                  ) IS TRUE
                )
              ) AND t13.customer_id = t12.id AND CASE WHEN (
                t13.owner_id = $2::uuid OR t13.team_id = ANY($4::uuid[]) OR (
                  (
                    t13.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                    )
                  ) IS TRUE
                )
              ) THEN t13.customer_id END = t12.id AND NOT coalesce(
                (
                  (
                    t13.owner_id = $2::uuid OR t13.team_id = ANY($4::uuid[]) OR (
                      (
                        t13.id IN (
                          SELECT sh.opportunity_id
                          FROM opportunity_shares sh
                          WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                        )
                      ) IS TRUE
                    )
                  ) AND t13.status = $6::text
                ), FALSE
              )
            ) AND EXISTS (
              SELECT 1
              FROM opportunities t14
              WHERE t14.organization_id = $1::uuid AND (
                t14.owner_id = $2::uuid OR t14.team_id = ANY($4::uuid[]) OR (
                  (
                    t14.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                    )
                  ) IS TRUE
                )
              ) AND t14.customer_id = t12.id AND CASE WHEN (
                t14.owner_id = $2::uuid OR t14.team_id = ANY($4::uuid[]) OR (
                  (
                    t14.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                    )
                  ) IS TRUE
                )
              ) THEN t14.customer_id END = t12.id
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
            t18.owner_id = $2::uuid OR t18.team_id = ANY($4::uuid[]) OR (
              (
                t18.id IN (
                  SELECT sh.opportunity_id
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              ) IS TRUE
            )
          ) AND (
            EXISTS (
              SELECT 1
              FROM customers t19
              WHERE t19.organization_id = $1::uuid AND t18.customer_id = t19.id AND CASE WHEN (
                t18.owner_id = $2::uuid OR t18.team_id = ANY($4::uuid[]) OR (
                  (
                    t18.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                    )
                  ) IS TRUE
                )
              ) THEN t18.customer_id END = t19.id AND t19.country = $7::text
            ) AND EXISTS (
              SELECT 1
              FROM stages t20
              WHERE t20.organization_id = $1::uuid AND t18.stage_id = t20.id AND CASE WHEN (
                t18.owner_id = $2::uuid OR t18.team_id = ANY($4::uuid[]) OR (
                  (
                    t18.id IN (
                      SELECT sh.opportunity_id
                      FROM opportunity_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
                    )
                  ) IS TRUE
                )
              ) THEN t18.stage_id END = t20.id AND t20.outcome = $8::text
            )
          )
        ) AS "totalCount"
      ) x
    ) AS "toOne"
  ) x
)
