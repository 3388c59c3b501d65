// SimpleSAMLphp, as Debian packages it, as an organization's identity provider: on PHP's own server, with a
// configuration of its own in a directory that goes when it stops.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withKeys } from '../lib/keys.mjs'

const WWW = '/usr/share/simplesamlphp/www'

export const isInstalled = () => existsSync(WWW)

// Whoever is `barred` is known, and refused to service providers.
const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:'
const REFUSAL = `if (isset($attributes['barred'])) {
  $refusal = new \\SimpleSAML\\Module\\saml\\Error('${STATUS}Responder', '${STATUS}RequestDenied', 'not this application');
  \\SimpleSAML\\Auth\\State::throwException($state, $refusal);
}`

// A value as PHP writes it.
function php(value) {
  if (Array.isArray(value)) return `[${value.map(php).join(', ')}]`
  if (value === null || ['boolean', 'number'].includes(typeof value)) return String(value)
  if (typeof value === 'object') return `[${Object.entries(value).map(([key, item]) => `${php(key)} => ${php(item)}`).join(', ')}]`
  return `'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

// Makes its key; what has to be said of it is known before it runs.
export function prepare(port) {
  const keys = withKeys('ssp')
  for (const name of ['metadata', 'log', 'data', 'tmp', 'sessions']) mkdirSync(join(keys.directory, name))
  const base = `http://localhost:${port}`
  return {
    ...keys,
    base,
    entityId: `${base}/saml2/idp/metadata.php`,
    ssoUrl: `${base}/saml2/idp/SSOService.php`,
    sloUrl: `${base}/saml2/idp/SingleLogoutService.php`,
  }
}

// `users`: attributes by `name:password`; `tell` changes them. `hosted`: what is different about the identity provider.
export async function startSimpleSamlPhp(prepared, { port, users, metadata, hosted = {} }) {
  const { directory, base } = prepared
  const write = (name, text) => writeFileSync(join(directory, name), `<?php\n${text}\n`)
  writeFileSync(join(directory, 'sp.xml'), metadata)
  const sub = (name) => `${directory}/${name}/`
  const config = {
    baseurlpath: `${base}/`,
    certdir: `${directory}/`,
    loggingdir: sub('log'),
    datadir: sub('data'),
    tempdir: sub('tmp'),
    metadatadir: sub('metadata'),
    timezone: 'UTC',
    secretsalt: 'only-for-these-journeys',
    'auth.adminpassword': 'only-for-these-journeys',
    technicalcontact_email: 'it@example.test',
    'trusted.url.domains': null,
    'logging.handler': 'file',
    'enable.saml20-idp': true,
    'module.enable': { exampleauth: true, core: true, saml: true },
    'session.cookie.secure': false,
    'session.cookie.samesite': 'Lax',
    'session.phpsession.savepath': sub('sessions'),
    'language.cookie.secure': false,
    'store.type': 'phpsession',
    'metadata.sources': [{ type: 'flatfile' }, { type: 'xml', file: join(directory, 'sp.xml') }],
  }
  write('config.php', `$config = ${php(config)};`)
  const tell = (users) => write('authsources.php', `$config = ['people' => ['exampleauth:UserPass'] + ${php(users)}];`)
  tell(users)
  const idp = {
    host: '__DEFAULT__',
    privatekey: 'idp.key',
    certificate: 'idp.pem',
    auth: 'people',
    'saml20.sign.response': true,
    'saml20.sign.assertion': true,
    'sign.logout': true,
    'redirect.validate': true,
    NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    authproc: {
      1: { class: 'saml:PersistentNameID', attribute: 'uid' },
      2: { class: 'core:PHP', code: REFUSAL },
    },
    ...hosted,
  }
  write('metadata/saml20-idp-hosted.php', `$metadata[${php(prepared.entityId)}] = ${php(idp)};`)
  for (const name of ['saml20-sp-remote', 'saml20-idp-remote', 'saml20-sp-hosted']) write(`metadata/${name}.php`, '')
  // PHP's server takes `/module.php/core/login` for a file; a web server splits it.
  write('router.php', `
    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    if (!preg_match('#^((?:/[^/]+)*?/[^/]+\\.php)(/.*)?$#', $path, $parts)) return false;
    $file = realpath('${WWW}' . $parts[1]);
    if (!$file || strpos($file, '/usr/share/simplesamlphp/') !== 0) return false;
    $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $parts[1];
    $_SERVER['SCRIPT_FILENAME'] = $file;
    unset($_SERVER['PATH_INFO']);
    if (isset($parts[2])) $_SERVER['PATH_INFO'] = $parts[2];
    chdir(dirname($file));
    require $file;
    return true;`)
  // Else what `tell` writes is seen only after a while.
  const options = ['-d', 'opcache.revalidate_freq=0', '-d', 'display_errors=0', '-d', 'error_reporting=0', '-S', `localhost:${port}`, '-t', WWW, join(directory, 'router.php')]
  const env = { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: directory, PHP_CLI_SERVER_WORKERS: '2' }
  const child = spawn('php', options, { env, stdio: 'ignore', detached: true })
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGTERM') // its workers are of its group
    } catch {}
    rmSync(directory, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${prepared.entityId}?output=xml`).catch(() => null)
    if (answer?.ok) return { stop, tell }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  stop()
  throw new Error('SimpleSAMLphp did not start')
}
