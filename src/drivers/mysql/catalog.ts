/**
 * The catalog as rows of name and definition, one for every column, index part, constraint and routine: nothing is put
 * together on the server, which would cut long texts. `?` is the prefix of the history's own tables, which are left out.
 */
const OWN = (column: string): string => `${column} not in (concat(p.prefix, '_migration'), concat(p.prefix, '_migration_stmt'), concat(p.prefix, '_migration_log'),
    concat(p.prefix, '_migration_snapshot'), concat(p.prefix, '_schema_migrations'))`

export const CATALOG = `
select x.name, x.definition from (
  select concat('table ', t.table_name) as name, concat_ws(' ', t.engine, t.table_collation, t.create_options) as definition
    from information_schema.tables t join (select ? as prefix) p where t.table_schema = database() and t.table_type = 'BASE TABLE' and ${OWN('t.table_name')}
  union all
  select concat('column ', c.table_name, '.', c.column_name), concat_ws(' ', c.ordinal_position, c.column_type, c.collation_name, c.is_nullable,
      concat('default ', c.column_default), c.extra, c.generation_expression)
    from information_schema.columns c join (select ? as prefix) p where c.table_schema = database() and ${OWN('c.table_name')}
  union all
  select concat('index ', s.table_name, '.', s.index_name, ' ', s.seq_in_index), concat_ws(' ', s.column_name, s.non_unique, s.sub_part, s.collation, s.index_type)
    from information_schema.statistics s join (select ? as prefix) p where s.table_schema = database() and ${OWN('s.table_name')}
  union all
  select concat('foreign key ', k.constraint_name, ' ', k.ordinal_position), concat_ws(' ', k.table_name, k.column_name, k.referenced_table_schema,
      k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule)
    from information_schema.key_column_usage k join information_schema.referential_constraints r
      on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name and r.table_name = k.table_name
    where k.table_schema = database()
  union all
  select concat('check ', k.constraint_name), k.check_clause from information_schema.check_constraints k where k.constraint_schema = database()
  union all
  select concat('view ', v.table_name), v.view_definition
    from information_schema.views v join (select ? as prefix) p where v.table_schema = database() and ${OWN('v.table_name')}
  union all
  select concat(lower(r.routine_type), ' ', r.routine_name), concat_ws(' ', r.dtd_identifier, r.is_deterministic, r.sql_data_access, r.security_type, r.routine_definition)
    from information_schema.routines r where r.routine_schema = database()
  union all
  select concat('parameter ', m.specific_name, ' ', m.ordinal_position), concat_ws(' ', m.parameter_mode, m.parameter_name, m.dtd_identifier)
    from information_schema.parameters m where m.specific_schema = database()
  union all
  select concat('trigger ', g.trigger_name), concat_ws(' ', g.event_object_table, g.action_timing, g.event_manipulation, g.action_order, g.action_statement)
    from information_schema.triggers g where g.trigger_schema = database()
  union all
  select concat('event ', e.event_name), concat_ws(' ', e.event_type, e.execute_at, e.interval_value, e.interval_field, e.status, e.event_definition)
    from information_schema.events e where e.event_schema = database()
) x order by binary x.name, binary x.definition`

/** How often the prefix is a parameter of it. */
export const CATALOG_PREFIXES = 4
