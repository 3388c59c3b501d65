// Keys of identity providers and of clients, which live as long as a journey.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'

// A new directory with `idp.key` and, signed by it, `idp.pem`.
export function withKeys(name) {
  const directory = mkdtempSync(join(tmpdir(), `orgate-${name}-`))
  const [key, pem] = [join(directory, 'idp.key'), join(directory, 'idp.pem')]
  const subject = ['-subj', `/CN=${name}.test`, '-days', '30']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', pem], { stdio: 'ignore' })
  const certificate = readFileSync(pem, 'utf8')
  return { directory, key: readFileSync(key, 'utf8'), pem: certificate, certificate: certificate.replace(/-----[A-Z ]+-----|\s/g, '') }
}

// A key of a client: as libraries of Node take it (a CryptoKey and its id), as it is registered, and written out.
export async function clientKey(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const about = { kid: randomUUID(), alg, use: 'sig' }
  const jwk = { ...(await exportJWK(publicKey)), ...about }
  return { key: privateKey, kid: about.kid, jwk, private: { ...(await exportJWK(privateKey)), ...about } }
}
