import type { AdminQuery } from './admin.js'
import type { Passwords } from './passwords.js'

/** What all nodes have, made on the primary: replicas get it as they get everything, by the binary log. */
export async function makeClusterUsers(query: AdminQuery, { app, replication }: Passwords, database: string): Promise<void> {
  await query(`create user replication@'%' identified by '${replication}'`)
  await query("grant replication slave on *.* to replication@'%'")
  await query(`create user app@'%' identified by '${app}'`)
  await query(`create database \`${database}\``)
  await query(`grant all on \`${database}\`.* to app@'%'`)
}
