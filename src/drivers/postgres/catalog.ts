/**
 * The catalog as rows of name and definition, in PostgreSQL's own words: tables with their columns, constraints, indexes,
 * views, functions, triggers, sequences, types, policies, rules, extensions. Left out: what belongs to extensions, to the
 * server, to sessions, and the schema given as `$1`, which holds the history itself. Positions of columns are told
 * without gaps, so that a column dropped and made again leaves no trace.
 */
export const CATALOG = `
with spaces as materialized (
  select oid, nspname from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema', $1) and nspname !~ '^pg_(toast|temp)'
), of_extensions as materialized (
  select classid, objid from pg_depend where deptype = 'e'
), rels as materialized (
  select c.*, format('%I.%I', s.nspname, c.relname) as fqn from pg_class c join spaces s on s.oid = c.relnamespace
  where not exists (select from of_extensions e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
), objects as (
  select 'schema ' || quote_ident(nspname) as name, '' as definition from spaces
  union all
  select 'extension ' || quote_ident(extname), '' from pg_extension
  union all
  select 'table ' || r.fqn, concat_ws(E'\\n', r.relkind::text, r.relpersistence::text,
    'rls ' || r.relrowsecurity || ' ' || r.relforcerowsecurity, array_to_string(r.reloptions, ','),
    pg_get_expr(r.relpartbound, r.oid), case r.relkind when 'p' then pg_get_partkeydef(r.oid) end,
    (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
       case when a.attnotnull then 'not null' end, nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
       'default ' || pg_get_expr(d.adbin, d.adrelid),
       case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end), E'\\n' order by a.attnum)
     from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped))
  from rels r where r.relkind in ('r', 'p', 'f')
  union all
  select 'view ' || r.fqn, r.relkind::text || array_to_string(r.reloptions, ',') || pg_get_viewdef(r.oid) from rels r where r.relkind in ('v', 'm')
  union all
  select 'sequence ' || r.fqn, concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
  from rels r join pg_sequence s on s.seqrelid = r.oid
  union all
  select 'index ' || r.fqn, pg_get_indexdef(r.oid) || case when i.indisvalid then '' else ' INVALID' end
  from rels r join pg_index i on i.indexrelid = r.oid
  union all
  select 'constraint ' || quote_ident(c.conname) || ' on ' || r.fqn, pg_get_constraintdef(c.oid) || case when c.convalidated then '' else ' (not validated)' end
  from pg_constraint c join rels r on r.oid = c.conrelid
  union all
  select 'trigger ' || quote_ident(t.tgname) || ' on ' || r.fqn, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
  from pg_trigger t join rels r on r.oid = t.tgrelid where not t.tgisinternal
  union all
  select 'rule ' || quote_ident(w.rulename) || ' on ' || r.fqn, pg_get_ruledef(w.oid)
  from pg_rewrite w join rels r on r.oid = w.ev_class where w.rulename <> '_RETURN'
  union all
  select 'policy ' || quote_ident(p.polname) || ' on ' || r.fqn, concat_ws(' ', p.polcmd, p.polpermissive,
    (select string_agg(o::regrole::text, ',' order by 1) from unnest(p.polroles) o where o <> 0),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p join rels r on r.oid = p.polrelid
  union all
  select 'function ' || p.oid::regprocedure, case p.prokind when 'a' then 'aggregate ' || format_type(p.prorettype, null) else pg_get_functiondef(p.oid) end
  from pg_proc p join spaces s on s.oid = p.pronamespace
  where not exists (select from of_extensions e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
  union all
  select 'type ' || format('%I.%I', s.nspname, t.typname), concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
    (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
    (select string_agg(pg_get_constraintdef(c.oid), ' ' order by c.conname) from pg_constraint c where c.contypid = t.oid),
    (select string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
     from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped and t.typtype = 'c'))
  from pg_type t join spaces s on s.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
  where (t.typtype in ('e', 'd') or c.relkind = 'c')
    and not exists (select from of_extensions e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
)
select name, coalesce(definition, '') as definition from objects order by name collate "C", definition collate "C"`
