import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { APT_GET, aptEnvironment } from '../apt.js'
import { cacheFolder } from '../cache-folder.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { runProgram } from '../process.js'
import type { Availability, Provider } from '../rig.js'
import { mysqlFlavour } from './flavour-mysql.js'
import type { Programs } from './flavour.js'
import { versionIn } from './programs.js'
import { MysqlRig } from './rig.js'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Debian's stable releases have MariaDB in MySQL's place; this one has both. */
const SUITE = 'sid'
const PACKAGE = 'mysql-server-core'
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000

/** Only packages with libraries are needed beside the server: the others serve scripts that never run here. */
const LIBRARY = /^(lib|zlib1g|gcc-.*-base|tzdata)/
const NOT_NEEDED = /^lib(systemd-shared|perl|pam|semanage|sepol|mount|blkid|proc2|db5)|^lib.*-perl$/

/**
 * MySQL unpacked into a folder of the system's temporary folder, together with the C library and the loader it was built
 * for: nothing is installed, no package database is touched. On Debian alone; its own list of sources says where from.
 */
export const unpackProvider: Provider = {
  name: 'unpack',
  find(options: ResolvedClusterOptions): Promise<Availability> {
    const remedy = 'use Docker, or install MySQL 8.4 or later yourself'
    if (!isDebian() || !existsSync(APT_GET) || !existsSync(KEYRING)) return Promise.resolve({ reason: 'this is no Debian', remedy })
    return Promise.resolve({ start: () => start(options) })
  },
}

function isDebian(): boolean {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

async function start(options: ResolvedClusterOptions): Promise<MysqlRig> {
  const programs = await unpacked(options.onProgress)
  if (options.major !== undefined && programs.major !== options.major) {
    throw new TestClusterError(`MySQL ${options.major} was asked for, Debian ${SUITE} has ${programs.version}`)
  }
  return new MysqlRig('unpack', mysqlFlavour, programs, options).start()
}

async function unpacked(onProgress: (message: string) => void): Promise<Programs> {
  const root = await cacheFolder('sluice-mysql-server', process.getuid?.(), async (folder) => {
    onProgress(`unpacking ${PACKAGE} of Debian ${SUITE} into a cache folder`)
    await unpackInto(folder)
  })
  const loader = await find(root, /^ld-linux.*\.so\.\d+$/)
  const server = join(root, 'usr/sbin/mysqld')
  const libraries = [...new Set([dirOf(await find(root, /^libc\.so\.6$/)), join(root, 'usr/lib/mysql/private')])].join(':')
  const before = ['--argv0', server, '--library-path', libraries, server]
  const env = { OPENSSL_MODULES: join(dirOf(await find(root, /^libcrypto\.so/)), 'ossl-modules'), OPENSSL_CONF: '/dev/null' }
  const version = versionIn('mysql', await runProgram(loader, [...before, '--no-defaults', '--version'], { env }))
  if (version === undefined) throw new TestClusterError('the server that was unpacked does not say its version')
  const after = [`--lc-messages-dir=${join(root, 'usr/share/mysql')}`, `--character-sets-dir=${join(root, 'usr/share/mysql/charsets')}`]
  return { file: loader, before, after, installer: undefined, env, version, major: Number.parseInt(version) }
}

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** The one regular file or link of that name below a folder. */
async function find(root: string, name: RegExp): Promise<string> {
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isDirectory() && name.test(entry.name)) return join(entry.parentPath, entry.name)
  }
  throw new TestClusterError(`no ${String(name)} among what was unpacked`)
}

/** apt with folders of its own: it reads and checks the suite's signed lists, and downloads; it installs nothing. */
async function unpackInto(folder: string): Promise<void> {
  const state = join(folder, '.apt')
  for (const name of ['lists/partial', 'archives/partial', 'dpkg']) await mkdir(join(state, name), { recursive: true })
  await writeFile(join(state, 'dpkg/status'), '')
  await writeFile(join(state, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror()} ${SUITE} main\n`)
  await writeFile(join(state, 'apt.conf'), [
    `Dir::Etc::sourcelist "${state}/sources.list";`, 'Dir::Etc::sourceparts "/dev/null";', 'Dir::Etc::preferencesparts "/dev/null";',
    `Dir::State::lists "${state}/lists";`, `Dir::State::status "${state}/dpkg/status";`, `Dir::Cache "${state}";`,
    'Acquire::Languages "none";', 'Debug::NoLocking "true";', 'APT::Sandbox::User "";', 'APT::Install-Recommends "false";', '',
  ].join('\n'))
  const settings = { env: { ...aptEnvironment(), APT_CONFIG: join(state, 'apt.conf') }, timeoutMs: DOWNLOAD_TIMEOUT_MS }
  await runProgram(APT_GET, ['update', '-q'], settings)
  const planned = await runProgram(APT_GET, ['install', '-y', '--print-uris', PACKAGE], settings)
  const names = [...planned.matchAll(/^'[^']*' ([a-z0-9][a-z0-9.+-]*)_/gm)].map((match) => match[1] ?? '')
  const wanted = names.filter((name) => name === PACKAGE || (LIBRARY.test(name) && !NOT_NEEDED.test(name)))
  // apt downloads into its working folder, which a program cannot be told here: the shell can
  await runProgram('/bin/sh', ['-c', 'cd "$0" && exec apt-get download -q "$@"', join(state, 'archives'), ...wanted], settings)
  for (const file of await readdir(join(state, 'archives'))) {
    if (file.endsWith('.deb')) await runProgram('dpkg-deb', ['-x', join(state, 'archives', file), folder], { timeoutMs: DOWNLOAD_TIMEOUT_MS })
  }
  await runProgram('rm', ['-rf', state])
  await chmod(folder, 0o755)
}

/** Where this machine takes its Debian from. */
async function mirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d'
  const names = await readdir(folder).catch((): string[] => [])
  for (const file of ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))]) {
    const text = (await readFile(file, 'utf8').catch(() => '')).replaceAll(/^\s*#.*$/gm, '')
    const found = /\b[a-z+]+:\/\/\S+\/debian\/?(?=\s|$)/m.exec(text)?.[0]
    if (found !== undefined) return found
  }
  throw new TestClusterError('no source of Debian packages is configured in /etc/apt')
}
