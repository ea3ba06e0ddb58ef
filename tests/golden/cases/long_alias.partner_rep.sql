SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x.o), '[]'::json))
  FROM (
    SELECT (
      '{"another_name_that_is_much_longer_than_the_sixty_three_bytes_that_postgresql_keeps":' || coalesce(to_json(t1.name)::text, 'null') || ',"listPrice":' || coalesce(
        to_json(
          CASE WHEN t1.list_price IS NOT NULL THEN json_build_object(
            'a_third_name_that_is_much_longer_than_the_sixty_three_bytes_that_postgresql_keeps', (t1.list_price)::text
          ) END
        )::text, 'null'
      ) || '}'
    )::json AS o
    FROM products t1
    WHERE t1.organization_id = $1::uuid AND (t1.active)
    ORDER BY t1.name_fold, t1.id
    LIMIT 1
  ) x
)
