// Schemathesis: whatever the description of the management API allows, and much that it does not, as three callers.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, tokenOf } from '../lib/harness.mjs'
import { hasPython } from '../lib/python.mjs'

const SECRET = 'a-program-that-tries-everything-there-is'
const CHECKS = [
  'not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance',
  'response_schema_conformance',
]
// Of each operation, and in all at least; many more where somebody has the time.
const [CASES, LEAST] = process.env.ORGATE_TEST_LONG ? [120, 5000] : [5, 500]

const program = (issuer, client_id, organization, roles) => `
  - client_id: ${client_id}
    organization: ${organization}
    name: ${client_id}
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resources: ["${issuer}/api"]
    scopes: ["orgate:*"]
    roles: [${roles}]`

const described = (issuer) => `
organizations:
  - slug: tried
    name: Tried
    roles: [{ slug: nothing, permissions: ["notes:read"] }]
    users: [{ email: somebody@tried.test, name: Somebody, roles: [owner] }]
clients:${program(issuer, 'tried-owner', 'tried', 'owner')}${program(issuer, 'tried-member', 'tried', 'nothing')}${program(issuer, 'tried-operator', 'operator', 'owner')}
`

// What it found, if anything; it ends with how many cases it made.
function schemathesis(directory, issuer, headers) {
  const options = ['run', `${issuer}/api/v1/openapi.json`, '--phases', 'coverage,fuzzing', '--seed', '1', '-n', CASES, '--checks', CHECKS.join(',')]
  for (const [name, value] of Object.entries(headers)) options.push('-H', `${name}: ${value}`)
  const env = { ...process.env, PYTHONPATH: process.env.PYTHON_PACKAGES, NO_COLOR: '1' }
  const begin = 'from schemathesis.cli import schemathesis; schemathesis()'
  const child = spawn('python3', ['-c', begin, ...options.map(String)], { env, cwd: directory })
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })))
}

export async function managementApi(world) {
  if (!hasPython('schemathesis')) return world.journeys.skip('Schemathesis is not installed')
  const { issuer } = world.orgate
  const directory = mkdtempSync(join(tmpdir(), 'orgate-schemathesis-'))
  writeFileSync(join(directory, 'schemathesis.toml'), '[parameters]\n"path.organization" = "tried"\n')
  world.orgate.apply(described(issuer))
  try {
    for (const client of ['tried-owner', 'tried-member', 'tried-operator']) {
      await world.journeys.run(`Schemathesis, as ${client}: every answer is described, and none is a fault of ours`, async () => {
        const headers = { authorization: `Bearer ${await tokenOf(world.orgate, client, SECRET)}`, 'orgate-reason': 'to try everything' }
        const { code, output } = await schemathesis(directory, issuer, headers)
        const cases = Number(output.match(/(\d+) generated/)?.[1] ?? 0)
        assert(code === 0 && cases >= LEAST, `${cases} cases\n${output.slice(-6000)}`)
      })
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
