/** PRAGMA statements by what they do. Source: SQLite's manual, "PRAGMA Statements". Those in no list count as writes. */

function names(text: string): readonly string[] { return text.trim().split(/\s+/u) }

/** Questions about the database that every connection answers alike. */
export const READ_PRAGMAS = names(`
  collation_list compile_options foreign_key_check foreign_key_list freelist_count function_list index_info index_list index_xinfo
  integrity_check module_list page_count pragma_list quick_check table_info table_list table_xinfo
`)

/** Kept in the file: asked they are reads, given a value they write. */
export const FILE_PRAGMAS = names('application_id auto_vacuum encoding journal_mode page_size schema_version user_version')

/** Settings and counters of one connection. */
export const SESSION_PRAGMAS = names(`
  analysis_limit automatic_index busy_timeout cache_size cache_spill case_sensitive_like cell_size_check checkpoint_fullfsync
  count_changes data_version database_list defer_foreign_keys empty_result_callbacks foreign_keys full_column_names fullfsync
  hard_heap_limit ignore_check_constraints journal_size_limit key legacy_alter_table legacy_file_format lock_status locking_mode
  max_page_count mmap_size parser_trace query_only read_uncommitted recursive_triggers rekey reverse_unordered_selects
  secure_delete short_column_names shrink_memory soft_heap_limit stats synchronous temp_store temp_store_directory threads
  trusted_schema vdbe_addoptrace vdbe_debug vdbe_listing vdbe_trace wal_autocheckpoint writable_schema
`)
