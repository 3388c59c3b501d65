// The journeys: a newcomer's, in a real browser; those of clients that others wrote; and the pages under axe. With arguments,
// only those that are named so: `admin_look`, `every_page markup`.
import { fileURLToPath } from 'node:url'
import { Journeys, startBrowser, startCallback, startOrgate } from './lib/harness.mjs'
import { Kept } from './lib/markup.mjs'
import { account } from './journeys/account.mjs'
import { admin } from './journeys/admin.mjs'
import { adminAudit } from './journeys/admin_audit.mjs'
import { adminClients } from './journeys/admin_clients.mjs'
import { adminConsole } from './journeys/admin_console.mjs'
import { adminJoining } from './journeys/admin_joining.mjs'
import { adminKeys } from './journeys/admin_keys.mjs'
import { adminRoles } from './journeys/admin_roles.mjs'
import { adminLook } from './journeys/admin_look.mjs'
import { adminEvents } from './journeys/admin_events.mjs'
import { adminConnections } from './journeys/admin_connections.mjs'
import { apache } from './journeys/apache.mjs'
import { authlib } from './journeys/authlib.mjs'
import { clients } from './journeys/clients.mjs'
import { consents } from './journeys/consents.mjs'
import { devices } from './journeys/devices.mjs'
import { everyPage } from './journeys/every_page.mjs'
import { federation } from './journeys/federation.mjs'
import { invitations } from './journeys/invitations.mjs'
import { joining } from './journeys/joining.mjs'
import { languages } from './journeys/languages.mjs'
import { managementApi } from './journeys/management_api.mjs'
import { markup } from './journeys/markup.mjs'
import { oauth4webapi } from './journeys/oauth4webapi.mjs'
import { pages } from './journeys/pages.mjs'
import { payloads } from './journeys/payloads.mjs'
import { people } from './journeys/people.mjs'
import { samples } from './journeys/samples.mjs'
import { setup } from './journeys/setup.mjs'
import { singlePage } from './journeys/single_page.mjs'

// In this order.
const JOURNEYS = {
  people, clients, consents, devices, oauth4webapi, single_page: singlePage, authlib,
  management_api: managementApi, invitations, joining, admin, admin_audit: adminAudit, admin_console: adminConsole,
  admin_joining: adminJoining, admin_clients: adminClients, admin_keys: adminKeys, admin_roles: adminRoles, admin_look: adminLook,
  admin_events: adminEvents, account, admin_connections: adminConnections, apache, federation, setup, pages, languages, samples,
  every_page: everyPage, payloads, markup,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !JOURNEYS[name])
if (unknown.length) throw new Error(`no such journeys: ${unknown.join(', ')}; there are ${Object.keys(JOURNEYS).join(', ')}`)
const chosen = Object.entries(JOURNEYS).filter(([name]) => !asked.length || asked.includes(name)).map(([, journey]) => journey)

const journeys = new Journeys()
const kept = new Kept()
const callback = await startCallback()
const secret = 'relying-party-secret-with-enough-entropy'
const seed = fileURLToPath(new URL('seed.yaml', import.meta.url))
let orgate, browser
try {
  // Proofs of possession need a nonce, so that clients have to cope with being asked for one.
  const extra = { RP_SECRET: secret, RP_URL: callback.origin, ORGATE__TOKENS__REQUIRE_DPOP_NONCE: 'true', ORGATE__LIMITS__API_PER_MINUTE: '100000' }
  orgate = await startOrgate(seed, extra)
  browser = await startBrowser(kept.of(() => orgate.issuer))
  const world = { journeys, orgate, browser, callback, secret, kept }
  for (const journey of chosen) await journey(world)
} catch (error) {
  journeys.failed++
  console.log(`FAIL the journeys could not go on: ${error.stack}`)
} finally {
  await browser?.close()
  await orgate?.stop()
  callback.close()
}
process.exitCode = journeys.end()
