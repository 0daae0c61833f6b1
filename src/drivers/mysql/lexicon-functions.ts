import type { FunctionClass } from '../../core/lexicon.js'

// From information_schema.sql_functions of MariaDB 10.11 and the function reference of MySQL 9 together.

/** Look at their arguments and at what every node has. A stored function of one of these names is never called by it. */
const READ = `
  abs acos add_months adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 bin bin_to_uuid bit_and bit_count
  bit_length bit_or bit_xor cast ceil ceiling char_length character_length charset chr coalesce coercibility collation column_add
  column_check column_create column_delete column_exists column_get column_json column_list compress concat concat_ws conv convert
  convert_tz cos cot count crc32 crc32c cume_dist curdate current_role current_user curtime database date date_add date_format date_sub
  datediff day dayname dayofmonth dayofweek dayofyear decode degrees dense_rank distance elt encode exp export_set extract extractvalue
  field find_in_set first_value floor format format_bytes format_pico_time from_base64 from_days from_unixtime from_vector
  geometrycollection get_format greatest group_concat grouping gtid_subset gtid_subtract hex hour icu_version if ifnull inet6_aton
  inet6_ntoa inet_aton inet_ntoa insert instr is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append
  json_array_insert json_array_intersect json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed
  json_equals json_exists json_extract json_group_array json_insert json_key_value json_keys json_length json_loose json_merge
  json_merge_patch json_merge_preserve json_normalize json_object json_object_filter_keys json_object_to_array json_objectagg
  json_overlaps json_pretty json_query json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search
  json_set json_storage_free json_storage_size json_table json_type json_unquote json_valid json_value lag last_day last_value lcase
  lead least left length lengthb linestring ln localtime locate log log10 log2 lower lpad ltrim make_set makedate maketime max
  mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin md5 median microsecond mid min
  minute mod month monthname multilinestring multipoint multipolygon name_const natural_sort_key now nth_value ntile nullif nvl nvl2 oct
  octet_length ord password percent_rank percentile_cont percentile_disc period_add period_diff pi point polygon position pow power
  quarter quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right round
  row_number rpad rtrim schema sec_to_time second session_user sformat sha sha1 sha2 sign sin soundex space sqrt st_area st_asbinary
  st_asgeojson st_astext st_aswkb st_aswkt st_buffer st_buffer_strategy st_centroid st_collect st_contains st_convexhull st_crosses
  st_difference st_dimension st_disjoint st_distance st_distance_sphere st_endpoint st_envelope st_equals st_exteriorring
  st_frechetdistance st_geohash st_geomcollfromtext st_geometryfromtext st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext
  st_geomfromwkb st_hausdorffdistance st_interiorringn st_intersection st_intersects st_isclosed st_isempty st_issimple st_isvalid
  st_latfromgeohash st_latitude st_length st_linefromtext st_longfromgeohash st_longitude st_makeenvelope st_numgeometries
  st_numinteriorring st_numinteriorrings st_numpoints st_overlaps st_pointfromgeohash st_pointfromtext st_pointn st_polyfromtext
  st_simplify st_srid st_startpoint st_swapxy st_symdifference st_touches st_transform st_union st_validate st_within st_x st_y
  statement_digest statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector subdate substr substring
  substring_index subtime sum sys_guid sysdate system_user tan time time_format time_to_sec timediff timestamp timestampadd
  timestampdiff to_base64 to_char to_days to_number to_seconds to_vector trim truncate ucase uncompress uncompressed_length unhex
  unix_timestamp updatexml upper user utc_timestamp uuid uuid_short uuid_to_bin validate_password_strength var_pop var_samp variance
  vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext vector_dim vector_to_string version week weekday
  weekofyear year yearweek
`

/** Harmless, but they hold up whatever shares their connection. */
const WAITS = 'sleep benchmark'

/** The state of one connection: its keys, its locks, its place in the stream of changes. */
const SESSION = `
  last_insert_id found_rows row_count connection_id get_lock release_lock release_all_locks lastval master_pos_wait source_pos_wait
  master_gtid_wait wait_for_executed_gtid_set wait_until_sql_thread_after_gtids wsrep_sync_wait_upto_gtid wsrep_last_written_gtid
  wsrep_last_seen_gtid mysql_query_attribute_string ps_current_thread_id ps_thread_id currval
`

/** Locks and files of one server, and sequences. */
const WRITE = 'is_free_lock is_used_lock load_file nextval setval values binlog_gtid_pos'

/** Built-in functions that are known; the others make their statement a write. */
export const mysqlFunctions: ReadonlyMap<string, FunctionClass> = new Map([
  ...entries(READ, 'read'), ...entries(WAITS, 'waits'), ...entries(SESSION, 'session'), ...entries(WRITE, 'write'),
])

function entries(names: string, kind: FunctionClass): [string, FunctionClass][] {
  return names.trim().split(/\s+/u).map((name) => [name, kind])
}
