// Keys of identity providers, which live as long as a journey.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// A new directory with `idp.key` and, signed by it, `idp.pem`.
export function withKeys(name) {
  const directory = mkdtempSync(join(tmpdir(), `orgate-${name}-`))
  const [key, pem] = [join(directory, 'idp.key'), join(directory, 'idp.pem')]
  const subject = ['-subj', `/CN=${name}.test`, '-days', '30']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', pem], { stdio: 'ignore' })
  const certificate = readFileSync(pem, 'utf8')
  return { directory, key: readFileSync(key, 'utf8'), pem: certificate, certificate: certificate.replace(/-----[A-Z ]+-----|\s/g, '') }
}
