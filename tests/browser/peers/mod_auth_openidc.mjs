// Apache with mod_auth_openidc, as Debian packages them, before a backend that says which headers it was sent. Its
// configuration is its own, in a directory that goes when it stops.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [APACHE, MODULES] = ['/usr/sbin/apache2', '/usr/lib/apache2/modules']
const USED = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc']

export const isInstalled = () => existsSync(APACHE) && existsSync(`${MODULES}/mod_auth_openidc.so`)

// One port. `settings`: what it says of itself and of the provider; `protect`: the paths that it protects, each
// with what is demanded there.
const host = ({ port, settings, protect }, backend) => `
Listen 127.0.0.1:${port}
<VirtualHost 127.0.0.1:${port}>
  ServerName http://localhost:${port}
  OIDCRedirectURI http://localhost:${port}/cb
  OIDCCryptoPassphrase only-for-these-journeys
  ${settings.join('\n  ')}
  <Location /cb>
    AuthType openid-connect
    Require valid-user
  </Location>
${Object.entries(protect).map(([path, demands]) => `  <Location ${path}>\n    ${demands.join('\n    ')}\n  </Location>`).join('\n')}
  ProxyPass /cb !
  ProxyPass / http://127.0.0.1:${backend}/
</VirtualHost>
`

const configuration = (directory, hosts, backend) => `
ServerRoot ${directory}
ServerName localhost
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ErrorLog ${directory}/errors
LogLevel warn auth_openidc:${process.env.DEBUG ? 'debug' : 'warn'}
${USED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ThreadsPerChild 25
${hosts.map((one) => host(one, backend)).join('')}
`

export async function startApache(hosts) {
  const backend = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify({ path: request.url, headers: request.headers }))
  })
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve))
  const directory = mkdtempSync(join(tmpdir(), 'orgate-apache-'))
  chmodSync(directory, 0o755)
  writeFileSync(join(directory, 'httpd.conf'), configuration(directory, hosts, backend.address().port))
  const child = spawn(APACHE, ['-DFOREGROUND', '-f', join(directory, 'httpd.conf')], { stdio: process.env.DEBUG ? 'inherit' : 'ignore' })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const errors = () => (existsSync(join(directory, 'errors')) ? readFileSync(join(directory, 'errors'), 'utf8') : '')
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    if (process.env.DEBUG) console.log(errors())
    rmSync(directory, { recursive: true, force: true })
    backend.closeAllConnections()
    backend.close()
  }
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    if (await fetch(`http://localhost:${hosts[0].port}/`).catch(() => null)) return { stop }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const why = errors()
  await stop()
  throw new Error(`Apache did not start: ${why}`)
}
