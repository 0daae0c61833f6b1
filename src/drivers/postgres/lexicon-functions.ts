import type { FunctionClass } from '../../core/lexicon.js'

// Every name was looked up in pg_proc of PostgreSQL 15 and 18 with all its overloads; what takes SQL as text
// (query_to_xml, ts_stat, ts_rewrite, cursor_to_xml, …) and what reads files or one server's counters is in no list.

const READ = `
  abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div
  erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 min_scale mod pi pow power radians random random_normal
  round scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket

  ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert convert_from
  convert_to crc32 crc32c decode encode format get_bit get_byte hashtext hashtextextended initcap is_normalized left length
  like like_escape lower lpad ltrim md5 normalize octet_length overlay parse_ident position quote_ident quote_literal
  quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
  regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512
  similar_escape similar_to_escape split_part starts_with string_to_array string_to_table strpos substr substring to_ascii
  to_bin to_hex to_oct translate unicode_assigned unistr upper

  age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours
  justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps statement_timestamp
  timeofday timezone to_char to_date to_number to_timestamp transaction_timestamp

  array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
  array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_json
  array_to_string array_upper cardinality trim_array unnest generate_series generate_subscripts

  json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
  json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
  json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector json_typeof
  jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
  jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert
  jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz
  jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz
  jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset jsonb_pretty jsonb_set
  jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_to_tsvector jsonb_typeof row_to_json to_json
  to_jsonb

  json json_array json_arrayagg json_exists json_objectagg json_query json_scalar json_serialize json_table json_value merge_action

  any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
  first_value json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique
  json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict
  jsonb_object_agg_unique jsonb_object_agg_unique_strict lag last_value lead max min mode nth_value ntile percent_rank
  percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2
  regr_slope regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
  xmlagg num_nonnulls num_nulls

  isempty lower_inc lower_inf multirange range_merge upper_inc upper_inf datemultirange daterange int4multirange int4range
  int8multirange int8range nummultirange numrange tsmultirange tsrange tstzmultirange tstzrange
  enum_first enum_last enum_range gen_random_uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7

  array_to_tsvector get_current_ts_config numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery
  to_tsvector ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type tsquery_phrase
  tsvector_to_array websearch_to_tsquery

  abbrev broadcast family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask network set_masklen
  area center diagonal diameter height isclosed ishorizontal isopen isparallel isperp isvertical npoints pclose popen radius
  slope width bound_box box circle line lseg path point polygon

  bit bool bpchar bytea char cidr date float4 float8 int2 int4 int8 interval macaddr macaddr8 money name numeric oid pg_lsn
  regclass text time timestamp timestamptz timetz varbit varchar xid xml
  xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmlexists xmltext xpath xpath_exists

  acldefault aclexplode col_description current_database current_schema current_schemas current_user format_type
  getdatabaseencoding has_any_column_privilege has_column_privilege has_database_privilege
  has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_parameter_privilege
  has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
  has_type_privilege inet_client_addr inet_client_port inet_server_addr inet_server_port makeaclitem obj_description
  oidvectortypes pg_available_extension_versions pg_available_extensions pg_basetype pg_char_to_encoding
  pg_client_encoding pg_collation_for pg_collation_is_visible pg_column_compression pg_column_is_updatable pg_column_size
  pg_conf_load_time pg_conversion_is_visible pg_database_size pg_describe_object pg_encoding_max_length
  pg_encoding_to_char pg_extension_update_paths pg_filenode_relation pg_function_is_visible pg_get_acl
  pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr pg_get_function_arg_default pg_get_function_arguments
  pg_get_function_identity_arguments pg_get_function_result pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef
  pg_get_keywords pg_get_object_address pg_get_partition_constraintdef pg_get_partkeydef pg_get_publication_tables
  pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef
  pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid pg_get_viewdef
  pg_has_role pg_identify_object pg_identify_object_as_address pg_index_column_has_property pg_index_has_property
  pg_indexam_has_property pg_indexes_size pg_input_error_info pg_input_is_valid pg_is_in_recovery pg_is_wal_replay_paused
  pg_get_wal_replay_pause_state pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
  pg_mcv_list_items pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table
  pg_partition_ancestors pg_partition_root pg_partition_tree pg_postmaster_start_time pg_relation_filenode
  pg_relation_filepath pg_relation_is_publishable pg_relation_is_updatable pg_relation_size pg_sequence_parameters
  pg_settings_get_flags pg_size_bytes pg_size_pretty pg_statistics_obj_is_visible pg_table_is_visible pg_table_size
  pg_tablespace_databases pg_tablespace_location pg_tablespace_size pg_timezone_abbrevs pg_timezone_names
  pg_total_relation_size pg_trigger_depth pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible
  pg_ts_template_is_visible pg_type_is_visible pg_typeof pg_wal_lsn_diff row_security_active satisfies_hash_partition
  session_user system_user shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
  to_regprocedure to_regrole to_regtype to_regtypemod unicode_version icu_unicode_version version
  mxid_age pg_current_snapshot pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin pg_visible_in_snapshot txid_current_snapshot
  txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_visible_in_snapshot current_query
  information_schema._pg_expandarray
`

/** Harmless, but they hold up whatever shares their connection. */
const WAITS = 'pg_sleep pg_sleep_for pg_sleep_until'

const SESSION = `
  currval lastval current_setting set_config setseed pg_backend_pid pg_my_temp_schema pg_listening_channels
  pg_is_other_temp_schema pg_cursor pg_prepared_statement pg_stat_clear_snapshot
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_replication_origin_session_is_setup pg_replication_origin_session_progress pg_replication_origin_session_reset
  pg_replication_origin_session_setup
`

/** None of these changes a table of the application. */
const WRITE = `
  nextval setval pg_notify pg_notification_queue_usage txid_current pg_current_xact_id txid_status pg_xact_status
  pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
  pg_current_wal_lsn pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_walfile_name pg_walfile_name_offset
  pg_split_walfile_name pg_switch_wal pg_create_restore_point pg_backup_start pg_backup_stop pg_promote
  pg_wal_replay_pause pg_wal_replay_resume pg_log_standby_snapshot pg_last_committed_xact pg_export_snapshot
  pg_reload_conf pg_rotate_logfile pg_cancel_backend pg_terminate_backend pg_log_backend_memory_contexts
  pg_stat_reset pg_stat_reset_backend_stats pg_stat_reset_replication_slot pg_stat_reset_shared
  pg_stat_reset_single_function_counters pg_stat_reset_single_table_counters pg_stat_reset_slru
  pg_stat_reset_subscription_stats pg_stat_force_next_flush pg_blocking_pids
  pg_create_physical_replication_slot pg_create_logical_replication_slot pg_copy_physical_replication_slot
  pg_copy_logical_replication_slot pg_drop_replication_slot pg_replication_slot_advance pg_sync_replication_slots
  pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_changes
  pg_logical_slot_peek_binary_changes pg_logical_emit_message pg_replication_origin_create pg_replication_origin_drop
  pg_replication_origin_advance pg_replication_origin_xact_setup pg_replication_origin_xact_reset
  lo_close lo_creat lo_create lo_export lo_from_bytea lo_import lo_lseek lo_lseek64 lo_open lo_put lo_tell lo_tell64
  lo_truncate lo_truncate64 lo_unlink loread lowrite
  brin_summarize_new_values brin_summarize_range brin_desummarize_range gin_clean_pending_list pg_import_system_collations
  pg_clear_attribute_stats pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats
`

/** PostgreSQL's built-in functions that are known; the others make their statement a write. */
export const postgresFunctions: ReadonlyMap<string, FunctionClass> = new Map([
  ...entries(READ, 'read'), ...entries(WAITS, 'waits'), ...entries(SESSION, 'session'), ...entries(WRITE, 'write'),
])

function entries(names: string, kind: FunctionClass): [string, FunctionClass][] {
  return names.trim().split(/\s+/u).map((name) => [name, kind])
}
