// What `cargo xtask bench` measures Orgate beside: the certified oidc-provider with its adapter in memory, as it is
// shipped for production, and one machine that gets JWT access tokens signed by ES256. Arguments: address, port,
// and the client's name and secret.
import { generateKeyPairSync } from 'node:crypto'
import Provider, { errors } from 'oidc-provider'

const [address, port, client_id, client_secret] = process.argv.slice(2)
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const resource = 'https://notes.example.test'

const provider = new Provider(`http://${address}:${port}`, {
  clients: [
    {
      client_id,
      client_secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'measured' }] },
  cookies: { keys: ['only-for-the-benchmark'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo(_, indicator) {
        if (indicator !== resource) throw new errors.InvalidTarget()
        return { scope: 'sync', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } }
      },
    },
  },
})
provider.listen(Number(port), address)
