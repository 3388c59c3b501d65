// The journeys: a newcomer's, in a real browser; those of clients that others wrote; and the pages under axe.
import { fileURLToPath } from 'node:url'
import { Journeys, startBrowser, startCallback, startOrgate } from './lib/harness.mjs'
import { account } from './journeys/account.mjs'
import { admin } from './journeys/admin.mjs'
import { adminConsole } from './journeys/admin_console.mjs'
import { adminRoles } from './journeys/admin_roles.mjs'
import { adminLook } from './journeys/admin_look.mjs'
import { adminConnections } from './journeys/admin_connections.mjs'
import { apache } from './journeys/apache.mjs'
import { authlib } from './journeys/authlib.mjs'
import { clients } from './journeys/clients.mjs'
import { consents } from './journeys/consents.mjs'
import { devices } from './journeys/devices.mjs'
import { federation } from './journeys/federation.mjs'
import { invitations } from './journeys/invitations.mjs'
import { joining } from './journeys/joining.mjs'
import { managementApi } from './journeys/management_api.mjs'
import { oauth4webapi } from './journeys/oauth4webapi.mjs'
import { pages } from './journeys/pages.mjs'
import { people } from './journeys/people.mjs'
import { samples } from './journeys/samples.mjs'
import { setup } from './journeys/setup.mjs'
import { singlePage } from './journeys/single_page.mjs'

const journeys = new Journeys()
const callback = await startCallback()
const secret = 'relying-party-secret-with-enough-entropy'
const seed = fileURLToPath(new URL('seed.yaml', import.meta.url))
let orgate, browser
try {
  // Proofs of possession need a nonce, so that clients have to cope with being asked for one.
  const extra = { RP_SECRET: secret, RP_URL: callback.origin, ORGATE__TOKENS__REQUIRE_DPOP_NONCE: 'true', ORGATE__LIMITS__API_PER_MINUTE: '100000' }
  orgate = await startOrgate(seed, extra)
  browser = await startBrowser()
  const world = { journeys, orgate, browser, callback, secret }
  await people(world)
  await clients(world)
  await consents(world)
  await devices(world)
  await oauth4webapi(world)
  await singlePage(world)
  await authlib(world)
  await managementApi(world)
  await invitations(world)
  await joining(world)
  await admin(world)
  await adminConsole(world)
  await adminRoles(world)
  await adminLook(world)
  await account(world)
  await adminConnections(world)
  await apache(world)
  await federation(world)
  await setup(world)
  await pages(world)
  await samples(world)
} catch (error) {
  journeys.failed++
  console.log(`FAIL the journeys could not go on: ${error.stack}`)
} finally {
  await browser?.close()
  await orgate?.stop()
  callback.close()
}
process.exitCode = journeys.end()
