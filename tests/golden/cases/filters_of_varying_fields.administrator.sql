SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT count(*)
      FROM customers t2
      WHERE t2.organization_id = $1::uuid AND (
        strpos(crm_fold(t2.email), crm_fold($2::text)) > 0 AND ((t2.city_fold = left(crm_fold($3::text), 500) AND t2.city = $3::text) OR t2.employees > $4::integer)
      )
    ) AS "totalCount"
  ) x
)
