const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const

/** Environment for apt-get: it asks nothing, keeps configuration files, and goes through the proxy this process has. */
export function aptEnvironment(): Record<string, string> {
  const proxies = PROXY_VARIABLES.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])
  return { DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1', ...Object.fromEntries(proxies) as Record<string, string> }
}
