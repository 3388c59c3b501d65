// The journeys: a newcomer's, in a real browser; a certified client's; and the pages under axe.
import { fileURLToPath } from 'node:url'
import { Journeys, startBrowser, startCallback, startOrgate } from './lib/harness.mjs'
import { clients } from './journeys/clients.mjs'
import { devices } from './journeys/devices.mjs'
import { federation } from './journeys/federation.mjs'
import { pages } from './journeys/pages.mjs'
import { people } from './journeys/people.mjs'
import { samples } from './journeys/samples.mjs'
import { setup } from './journeys/setup.mjs'

const journeys = new Journeys()
const callback = await startCallback()
const secret = 'relying-party-secret-with-enough-entropy'
const seed = fileURLToPath(new URL('seed.yaml', import.meta.url))
let orgate, browser
try {
  orgate = await startOrgate(seed, { RP_SECRET: secret, RP_URL: callback.origin })
  browser = await startBrowser()
  const world = { journeys, orgate, browser, callback, secret }
  await people(world)
  await clients(world)
  await devices(world)
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
