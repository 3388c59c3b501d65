// A device that shows a code (RFC 8628): openid-client on the device, a person in a browser; and its pages under axe.
import * as client from 'openid-client'
import { examine } from '../lib/axe.mjs'
import { assert, heading, signIn } from '../lib/harness.mjs'

export async function devices({ journeys, orgate, browser }) {
  const execute = [client.enableNonRepudiationChecks, client.allowInsecureRequests]
  const config = await client.discovery(new URL(orgate.issuer), 'television', undefined, client.None(), { execute })
  const ask = (changes = {}) =>
    client.initiateDeviceAuthorization(config, { scope: 'openid email offline_access', organization: 'acme', ...changes })
  const button = (page, name) => page.getByRole('button', { name }).click()

  // From the code to the question whether the device may come in.
  async function approach(page, device, email = 'admin@acme.test') {
    await page.goto(device.verification_uri_complete)
    await button(page, 'Continue')
    await heading(page, 'Sign in to Notes on TV on another device?')
    await page.getByText(device.user_code).waitFor()
    await button(page, 'Continue')
    await heading(page, 'Sign in to Acme Inc')
    await signIn(page, email)
    await heading(page, 'Let the device in?')
  }

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? '' : ', without script'
    await journeys.run(`a device asks, a person types its code and lets it in, and openid-client gets the tokens${how}`, () =>
      browser.visit(
        async (page) => {
          const device = await ask({ organization: '' })
          const waiting = client.pollDeviceAuthorizationGrant(config, device)
          await page.goto(device.verification_uri)
          await page.getByLabel('Code on the device').fill(device.user_code.toLowerCase().replace('-', ' '))
          await button(page, 'Continue')
          await heading(page, 'Sign in to Notes on TV on another device?')
          await button(page, 'Continue')
          await heading(page, 'Where do you work?')
          assert(!(await page.getByLabel(/password/i).count()), 'a password is asked for before the organization is known')
          await page.getByRole('textbox').fill('acme')
          await button(page, 'Continue')
          await heading(page, 'Sign in to Acme Inc')
          await signIn(page, 'admin@acme.test')
          await heading(page, 'Let the device in?')
          for (const seen of [device.user_code, 'Notes on TV', 'notes.example', 'Acme Inc', 'admin@acme.test']) {
            await page.getByText(seen).first().waitFor()
          }
          await button(page, 'Allow')
          await heading(page, 'The device is signed in')
          const tokens = await waiting
          const claims = tokens.claims()
          assert(claims.org_name === 'acme' && claims.email === 'admin@acme.test', JSON.stringify(claims))
          const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
          assert(renewed.claims()?.org_id === claims.org_id, 'the organization changed in a refresh')
        },
        { javaScriptEnabled },
      ))
  }

  await journeys.run('a device that is turned away hears of it at once', () =>
    browser.visit(async (page) => {
      const device = await ask()
      const waiting = client.pollDeviceAuthorizationGrant(config, device).then(() => 'tokens', (error) => error.error)
      await approach(page, device)
      await button(page, 'Deny')
      await heading(page, 'The device was turned away')
      assert((await waiting) === 'access_denied', await waiting)
    }))

  const shown = {
    'device, a code to type': (page) => page.goto(`${orgate.issuer}/device`),
    'device, a code to compare': async (page) => page.goto((await ask()).verification_uri_complete),
    'device, a wrong code': async (page) => {
      await page.goto(`${orgate.issuer}/device?user_code=BBBB-BBBB`)
      await button(page, 'Continue')
      await page.getByText('No device shows this code now').waitFor()
    },
    'device, what asks': async (page) => {
      await page.goto((await ask()).verification_uri_complete)
      await button(page, 'Continue')
      await heading(page, 'Sign in to Notes on TV on another device?')
    },
    'device, whether it may come in': async (page) => approach(page, await ask()),
    'device, let in': async (page) => {
      await approach(page, await ask())
      await button(page, 'Allow')
      await heading(page, 'The device is signed in')
    },
    'device, turned away': async (page) => {
      await approach(page, await ask())
      await button(page, 'Deny')
      await heading(page, 'The device was turned away')
    },
    'device, given up': async (page) => {
      await page.goto((await ask()).verification_uri_complete)
      await button(page, 'Continue')
      await button(page, 'Continue')
      await button(page, 'Cancel')
      await page.getByText('nothing was approved').waitFor()
    },
  }
  for (const [name, open] of Object.entries(shown)) {
    await journeys.run(`axe: ${name}`, () => browser.visit((page) => examine(page, name, open)))
  }
}
