-- Keys by which names of companies that may be the same are found; whether they are is judged by `companies.py`.
-- Coarser than that: without legal forms, order, accents and vowels. Made of crm_fold (db/functions.sql).
-- In plpgsql, as PostgreSQL would try to put SQL functions into every statement that writes a table with such keys.

-- The words of a name in Latin letters, without legal forms, titles, joiners, single letters and what is said besides.
CREATE OR REPLACE FUNCTION crm_company_words(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    latin text := crm_fold(left(value, 300)) COLLATE "C";
    words text[];
    kept text[];
BEGIN
    IF octet_length(latin) <> char_length(latin) THEN
        latin := translate(replace(replace(replace(latin, 'ц', 'ts'), 'щ', 'sc'), 'ψ', 'ps'),
            'абвгдежзийклмнопрстуфхчшыэюяіїєґёαβγδεζηθικλμνξοπρσςτυφχω',
            'abvgdezziiklmnoprstufkcsieuaiiegeavgdezitiklmnxoprsstufco');
    END IF;
    latin := regexp_replace(latin, '\([^)]*\)|\[[^]]*\]| c/o .*', ' ', 'g');
    latin := regexp_replace(latin, '(.)\m(dba|aka|fka|formerly|vormals|vorm|ehemals|ehem|inh|inhaber|inhaberin)\M.*', '\1');
    latin := btrim(regexp_replace(translate(latin, '''’`´./', ''), '[^a-z0-9]+', ' ', 'g'));
    words := string_to_array(nullif(latin, ''), ' ');
    SELECT array_agg(word) INTO kept FROM unnest(words) word
     WHERE word ~ '[0-9]' OR char_length(word) > 1 AND word <> ALL (string_to_array(regexp_replace('
        ab abwicklung ad ae ag akciova akcyjna aksjeselskap aktiebolag aktiengesellschaft aktieselskab and
        anonim anonima anonyme anonymi anpartsselskab ans ao aps as asa azioni beschrankter besloten bhd bt bv
        bvba cjsc co company corp corporation cv das dd de der die doo efrau eg ek en eood epe et etaireia eu
        eurl ev fa felelossegu firma fz fzco fze gbr gen ges gesellschaft gesmbh ggmbh gk gmbh godo haftung
        haftungsbeschrankt handelsbolag hauptsitz hauptverwaltung hb head headquarters hq ia ike il in inc
        incorporated insolvenz ip ja jsc kabushiki kaisha kft kg kgaa kk kommanditgesellschaft korlatolt ky
        lda liability limitada limitata limited limitee liquidation llc llp lp ltd ltda mbh messrs mit
        naamloze nv nyrt oao och odpowiedzialnoscia oe of office og ograniczona ohg ojsc ood ooo osakeyhtio ou
        oy oyj pao partg pat pc per pjsc plc pllc prat private proprietary pt pte pty public pvt
        responsabilita responsabilite rl sa sapa sarl sas sasu sau sca sci sdn se sgps sia siege sirketi sl
        slu snc social sociedad sociedade societa societe sp spa spj spol spolecnost spolka sprl spzoo srl
        srls sro ss sti tarsasag the too tov uab ud ug und vennootschap vof wll yk yugen zao zentrale zoo zrt
        ', '\s+', ' ', 'g'), ' '));
    RETURN coalesce(kept, words);
END
$$;

-- The consonants and digits of a name, each once: equal where words are joined, parted, in another order or mistyped.
CREATE OR REPLACE FUNCTION crm_company_letters(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(letter, '' ORDER BY letter) FROM (
        SELECT DISTINCT letter FROM regexp_split_to_table(
            regexp_replace(array_to_string(crm_company_words(value), ''), '[aeiouyhjw]', '', 'g'), '') letter
    ) letters);
END
$$;

-- How the words of a name begin: equal where words are abbreviated. The fewer the words, the more of each.
CREATE OR REPLACE FUNCTION crm_company_initials(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    words text[] := crm_company_words(value);
    most integer := CASE cardinality(words) WHEN 1 THEN 4 WHEN 2 THEN 2 ELSE 1 END;
BEGIN
    RETURN (SELECT string_agg(begin, ' ' ORDER BY begin) FROM (
        SELECT left(replace(replace(replace(word, 'ae', 'a'), 'oe', 'o'), 'ue', 'u'), most) AS begin FROM unnest(words) word
    ) begins);
END
$$;
