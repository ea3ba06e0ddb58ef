SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      WITH t3 AS (
        SELECT *
        FROM (
          SELECT count(*) AS "n"
          FROM (
            SELECT 1 AS one
            FROM opportunities t2
            WHERE t2.organization_id = $1::uuid AND (
              t2.owner_id = $2::uuid OR t2.team_id = ANY($4::uuid[]) OR (
                (
                  t2.id IN (
                    SELECT sh.opportunity_id
                    FROM opportunity_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                ) IS TRUE
              )
            )
          ) v
        ) t3
      )
      SELECT (
        SELECT row_to_json(x)
        FROM (
          SELECT (
            SELECT coalesce(json_agg(x), '[]'::json)
            FROM (SELECT t3.n AS "count" FROM t3 LIMIT 50) x
          ) AS "groups"
        ) x
      )
    ) AS "opportunityAggregate", (
      WITH t6 AS (
        SELECT *
        FROM (
          SELECT v.k0 AS "k0", count(*) AS "n"
          FROM (
            SELECT t5.kind AS "k0"
            FROM customers t5
            WHERE t5.organization_id = $1::uuid
          ) v GROUP BY v.k0
        ) t6
      )
      SELECT (
        SELECT row_to_json(x)
        FROM (
          SELECT (
            SELECT coalesce(json_agg(x), '[]'::json)
            FROM (
              SELECT (
                SELECT row_to_json(x)
                FROM (SELECT t6.k0 AS "kind" ) x
              ) AS "key", t6.n AS "count"
              FROM t6
              ORDER BY t6.k0 COLLATE "C" NULLS LAST
              LIMIT 50
            ) x
          ) AS "groups"
        ) x
      )
    ) AS "customerAggregate"
  ) x
)
