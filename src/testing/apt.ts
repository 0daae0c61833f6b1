const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const

/** Debian's and Ubuntu's package tool. */
export const APT_GET = '/usr/bin/apt-get'

const LOCK = '/var/cache/apt/sluice.lock'
/** Without fresh lists an install may still work from the cache; its own failure is the one to tell. */
const INSTALL = `${APT_GET} update -q || true
exec ${APT_GET} install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 "$@"`

/** Environment for apt-get: it asks nothing, keeps configuration files, and goes through the proxy this process has. */
export function aptEnvironment(): Record<string, string> {
  const proxies = PROXY_VARIABLES.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])
  return { DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1', ...Object.fromEntries(proxies) as Record<string, string> }
}

/**
 * What installs packages, for root. One at a time, whichever process asks: apt-get itself gives up at once while another
 * one brings its lists up to date. What a package starts does not inherit the lock.
 */
export function aptInstall(...packages: readonly string[]): { readonly file: string; readonly args: string[] } {
  return { file: 'flock', args: ['--close', LOCK, '/bin/sh', '-c', INSTALL, 'install', ...packages] }
}
