import { writeFileSync } from 'node:fs'
import { getContainerRuntimeClient } from 'testcontainers'
import type { Cluster } from '../../src/testing/index.js'

/** Replaces the content of one of the primary's files, wherever the server runs. */
export async function replaceFile(cluster: Cluster, file: string, content: string): Promise<void> {
  if (cluster.provider !== 'docker') {
    writeFileSync(file, content)
    return
  }
  const { container: containers } = await getContainerRuntimeClient()
  const running = await containers.list()
  const own = running.find(({ Ports }) => Ports.some(({ PublicPort }) => PublicPort === cluster.primary.port))
  if (!own) throw new Error(`no container listens on port ${String(cluster.primary.port)}`)
  const { exitCode, output } = await containers.exec(containers.getById(own.Id), ['sh', '-c', 'printf %s "$1" > "$0"', file, content], { user: '0' })
  if (exitCode !== 0) throw new Error(`${file} was not written: ${output}`)
}
