SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM knowledge_articles t2
          WHERE t2.organization_id = $1::uuid AND (t2.published_to IN ('PUBLIC', 'CUSTOMER')) AND (
            (
              ((array_to_tsvector(ARRAY[t2.organization_id::text]) || t2.tags_search) || t2.title_search) || t2.summary_search
            ) || t2.body_search
          ) @@ (
            SELECT crm_query($2::text) && ('''' || $1::uuid || '''')::tsquery
          ) AND (t2.tags_search || t2.title_search || t2.summary_search || t2.body_search) @@ (SELECT crm_query($2::text))
        ) AS "totalCount", (
          SELECT coalesce(json_agg(x), '[]'::json)
          FROM (
            SELECT (
              ts_rank(
                (t1.tags_search || t1.title_search || t1.summary_search || t1.body_search), (SELECT crm_query_any($2::text))
              ) + ts_rank(
                (t1.tags_search || t1.title_search || t1.summary_search || t1.body_search), (SELECT crm_query_whole($2::text))
              )
            ) AS "rank", (
              SELECT coalesce(
                json_agg(
                  (
                    SELECT row_to_json(x)
                    FROM (SELECT h.field AS "field" ) x
                  )
                ), '[]'::json
              )
              FROM (
                VALUES (
                  'tags', CASE WHEN t1.tags_search @@ (SELECT crm_query_any($2::text)) THEN crm_highlight(
                    t1.tags, (SELECT crm_words($2::text)), (SELECT crm_query_any($2::text))
                  ) END
                ), (
                  'title', CASE WHEN t1.title_search @@ (SELECT crm_query_any($2::text)) THEN crm_highlight(
                    t1.title, (SELECT crm_words($2::text)), (SELECT crm_query_any($2::text))
                  ) END
                ), (
                  'summary', CASE WHEN t1.summary_search @@ (SELECT crm_query_any($2::text)) THEN crm_highlight(
                    t1.summary, (SELECT crm_words($2::text)), (SELECT crm_query_any($2::text))
                  ) END
                ), (
                  'body', CASE WHEN t1.body_search @@ (SELECT crm_query_any($2::text)) THEN crm_highlight(
                    t1.body, (SELECT crm_words($2::text)), (SELECT crm_query_any($2::text))
                  ) END
                )
              ) h(field, text)
              WHERE h.text IS NOT NULL
            ) AS "highlights", (
              SELECT row_to_json(x)
              FROM (
                SELECT t1.title AS "title", t1.language AS "language", t1.category AS "category", (
                  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
                  FROM (
                    SELECT t3.language AS "language", t3.title AS "title"
                    FROM knowledge_articles t3
                    WHERE t3.organization_id = $1::uuid AND (t3.published_to IN ('PUBLIC', 'CUSTOMER')) AND t3.original_id = t1.id
                    ORDER BY t3.id
                    LIMIT 2
                  ) x
                ) AS "translations"
              ) x
            ) AS "node"
            FROM knowledge_articles t1
            WHERE t1.organization_id = $1::uuid AND (t1.published_to IN ('PUBLIC', 'CUSTOMER')) AND (
              (
                ((array_to_tsvector(ARRAY[t1.organization_id::text]) || t1.tags_search) || t1.title_search) || t1.summary_search
              ) || t1.body_search
            ) @@ (
              SELECT crm_query($2::text) && ('''' || $1::uuid || '''')::tsquery
            ) AND (t1.tags_search || t1.title_search || t1.summary_search || t1.body_search) @@ (SELECT crm_query($2::text))
            ORDER BY (
              ts_rank(
                (t1.tags_search || t1.title_search || t1.summary_search || t1.body_search), (SELECT crm_query_any($2::text))
              ) + ts_rank(
                (t1.tags_search || t1.title_search || t1.summary_search || t1.body_search), (SELECT crm_query_whole($2::text))
              )
            ) DESC, t1.id DESC
            LIMIT 5
          ) x
        ) AS "edges"
      ) x
    ) AS "knowledgeArticles", (
      SELECT row_to_json(x)
      FROM (
        SELECT (
          SELECT count(*)
          FROM knowledge_articles t6
          WHERE t6.organization_id = $1::uuid AND (t6.published_to IN ('PUBLIC', 'CUSTOMER')) AND t6.published_to IS NULL
        ) AS "totalCount", (
          SELECT coalesce(json_agg(x), '[]'::json)
          FROM (
            SELECT t4.title AS "title"
            FROM knowledge_articles t4
            WHERE t4.organization_id = $1::uuid AND (t4.published_to IN ('PUBLIC', 'CUSTOMER')) AND t4.published_to IS NULL
            ORDER BY t4.id
            LIMIT 5
          ) x
        ) AS "nodes"
      ) x
    ) AS "drafts", (
      WITH t9 AS (
        SELECT *
        FROM (
          SELECT v.k0 AS "k0", v.k1 AS "k1", count(*) AS "n"
          FROM (
            SELECT t8.category AS "k0", t8.language AS "k1"
            FROM knowledge_articles t8
            WHERE t8.organization_id = $1::uuid AND (t8.published_to IN ('PUBLIC', 'CUSTOMER'))
          ) v GROUP BY v.k0, v.k1
        ) t9
      )
      SELECT (
        SELECT row_to_json(x)
        FROM (
          SELECT (
            SELECT coalesce(json_agg(x), '[]'::json)
            FROM (
              SELECT t9.n AS "count"
              FROM t9
              ORDER BY crm_fold(t9.k0) NULLS LAST, t9.k0 COLLATE "C" NULLS LAST, crm_fold(t9.k1) NULLS LAST, t9.k1 COLLATE "C" NULLS LAST
              LIMIT 50
            ) x
          ) AS "groups", (SELECT count(*) FROM t9) AS "groupCount"
        ) x
      )
    ) AS "counted"
  ) x
)
