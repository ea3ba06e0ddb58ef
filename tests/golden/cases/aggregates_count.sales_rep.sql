SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      WITH t2 AS (
        SELECT *
        FROM (
          SELECT count(*) AS "n"
          FROM (
            SELECT 1 AS one
            FROM opportunities t1
            WHERE t1.organization_id = $1::uuid AND (
              t1.owner_id = $2::uuid OR EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t1.team_id = ANY($4::uuid[])
            )
          ) v
        ) t2
      )
      SELECT (
        SELECT row_to_json(x)
        FROM (
          SELECT (
            SELECT coalesce(json_agg(x), '[]'::json)
            FROM (SELECT t2.n AS "count" FROM t2 LIMIT 50) x
          ) AS "groups"
        ) x
      )
    ) AS "opportunityAggregate", (
      WITH t4 AS (
        SELECT *
        FROM (
          SELECT v.k0 AS "k0", count(*) AS "n"
          FROM (
            SELECT t3.kind AS "k0"
            FROM customers t3
            WHERE t3.organization_id = $1::uuid
          ) v GROUP BY v.k0
        ) t4
      )
      SELECT (
        SELECT row_to_json(x)
        FROM (
          SELECT (
            SELECT coalesce(json_agg(x), '[]'::json)
            FROM (
              SELECT (
                SELECT row_to_json(x)
                FROM (SELECT t4.k0 AS "kind" ) x
              ) AS "key", t4.n AS "count"
              FROM t4
              ORDER BY t4.k0 COLLATE "C" NULLS LAST
              LIMIT 50
            ) x
          ) AS "groups"
        ) x
      )
    ) AS "customerAggregate"
  ) x
)
