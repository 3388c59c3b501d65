// LemonLDAP::NG, as Debian packages it, as an identity provider of both protocols: under Starman, with its three
// demonstration users, each with their name for a password, and a directory of its own that goes when it stops.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withKeys } from '../lib/keys.mjs'

const PORTAL = '/usr/share/lemonldap-ng/portal'

export const isInstalled = () => existsSync(`${PORTAL}/htdocs/index.psgi`) && existsSync('/usr/bin/starman')

// Makes its keys; what has to be said of it is known before it runs.
export function prepare(port) {
  const keys = withKeys('llng')
  const { directory } = keys
  for (const name of ['conf', 'sessions', 'lock', 'cache']) mkdirSync(join(directory, name))
  const publicKey = execFileSync('openssl', ['rsa', '-pubout'], { input: keys.key, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
  const base = `http://localhost:${port}`
  return { ...keys, publicKey, base, issuer: `${base}/`, entityId: `${base}/saml/metadata` }
}

// `client`: of OpenID Connect, as registered. `metadata`: the service provider's.
export async function startLemonLdap({ directory, base, key, pem, publicKey }, { client, metadata }) {
  const exported = { mail: '1;mail;;', cn: '1;displayName;;', groups: '1;groups;;' }
  const config = {
    cfgNum: 1,
    cfgAuthor: 'journeys',
    cfgDate: 1,
    cfgVersion: '2.16.1',
    domain: 'localhost',
    portal: `${base}/`,
    key: 'only-for-these-journeys',
    cookieName: 'lemonldap',
    securedCookie: 0,
    sameSite: 'Lax', // without TLS a browser drops what it would take for `None`
    authentication: 'Demo',
    userDB: 'Same',
    passwordDB: 'Null',
    registerDB: 'Null',
    portalCheckLogins: 0,
    captcha: '::Main::Plugin', // none is shown; the default wants an image library
    locationRules: { localhost: { default: 'accept' } },
    exportedHeaders: {},
    demoExportedVars: { cn: 'cn', mail: 'mail', uid: 'uid' },
    whatToTrace: 'uid',
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: {
      Directory: join(directory, 'sessions'),
      LockDirectory: join(directory, 'lock'),
      generateModule: 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256',
    },
    issuerDBOpenIDConnectActivation: 1,
    oidcServicePrivateKeySig: key,
    oidcServicePublicKeySig: publicKey,
    oidcServiceKeyIdSig: 'first',
    oidcRPMetaDataExportedVars: { orgate: { email: 'mail', name: 'cn', groups: 'groups;string;always' } },
    oidcRPMetaDataOptionsExtraClaims: { orgate: { profile: 'name groups' } },
    oidcRPMetaDataOptions: {
      orgate: {
        oidcRPMetaDataOptionsClientID: client.client_id,
        oidcRPMetaDataOptionsClientSecret: client.client_secret,
        oidcRPMetaDataOptionsRedirectUris: client.redirect_uris.join(' '),
        oidcRPMetaDataOptionsPostLogoutRedirectUris: client.post_logout_redirect_uris.join(' '),
        oidcRPMetaDataOptionsLogoutBypassConfirm: 1,
        oidcRPMetaDataOptionsBypassConsent: 1,
        oidcRPMetaDataOptionsRequirePKCE: 1,
        oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
      },
    },
    issuerDBSAMLActivation: 1,
    samlServicePrivateKeySig: key,
    samlServicePublicKeySig: pem,
    samlSPMetaDataXML: { orgate: { samlSPMetaDataXML: metadata } },
    samlSPMetaDataExportedAttributes: { orgate: exported },
    samlSPMetaDataOptions: {
      orgate: {
        samlSPMetaDataOptionsNameIDFormat: 'persistent',
        samlSPMetaDataOptionsSignSSOMessage: 1,
        samlSPMetaDataOptionsSignSLOMessage: 1,
        samlSPMetaDataOptionsCheckSSOMessageSignature: 1,
        samlSPMetaDataOptionsCheckSLOMessageSignature: 1,
      },
    },
  }
  writeFileSync(join(directory, 'conf/lmConf-1.json'), JSON.stringify(config))
  writeFileSync(join(directory, 'lemonldap-ng.ini'), `[all]
logLevel = ${process.env.DEBUG ? 'info' : 'error'}
[configuration]
type = File
dirName = ${directory}/conf
localStorage = Cache::FileCache
localStorageOptions = { 'namespace' => 'configuration', 'cache_root' => '${directory}/cache', 'default_expires_in' => 600 }
[portal]
staticPrefix = /static
templateDir = ${PORTAL}/templates
languages = en
localSessionStorage = Cache::FileCache
localSessionStorageOptions = { 'namespace' => 'sessions', 'cache_root' => '${directory}/cache', 'default_expires_in' => 600 }
`)
  writeFileSync(join(directory, 'app.psgi'), `
    use Plack::Builder;
    use Lemonldap::NG::Portal::Main;
    my $portal = Lemonldap::NG::Portal::Main->run({});
    builder { enable 'Static', path => qr{^/static/}, root => '${PORTAL}/htdocs'; $portal };`)
  const env = { ...process.env, LLNG_DEFAULTCONFFILE: join(directory, 'lemonldap-ng.ini') }
  // A browser keeps more connections than there are workers, and each would wait a second for another to end.
  const served = ['--workers', '3', '--disable-keepalive', '--preload-app']
  const options = ['--listen', `127.0.0.1:${new URL(base).port}`, ...served, join(directory, 'app.psgi')]
  const child = spawn('starman', options, { env, stdio: process.env.DEBUG ? 'inherit' : 'ignore' })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const stop = async () => {
    child.kill('SIGTERM') // it ends its workers
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const answer = await fetch(`${base}/.well-known/openid-configuration`).catch(() => null)
    if (answer?.ok) return { stop }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stop()
  throw new Error('LemonLDAP::NG did not start')
}
