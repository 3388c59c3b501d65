// Every hosted page under axe-core, at two widths, light and dark; and its weight and policy.
import { examine } from '../lib/axe.mjs'
import { assert, signIn } from '../lib/harness.mjs'
import { authorize as authorizeIn } from '../lib/pages.mjs'

export async function pages({ journeys, orgate, browser, callback }) {
  const authorize = (changes) => authorizeIn({ orgate, callback }, changes)
  const shown = {
    discovery: (page) => page.goto(authorize({})),
    'discovery, mail sent': async (page) => {
      await page.goto(authorize({}))
      await page.getByRole('textbox').fill('someone@elsewhere.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: /mail/i }).waitFor()
    },
    'sign-in': (page) => page.goto(authorize({ organization: 'acme' })),
    'sign-in in a pale colour': (page) => page.goto(authorize({ organization: 'globex' })),
    'sign-in, refused': async (page) => {
      await page.goto(authorize({ organization: 'globex' }))
      await signIn(page, 'nobody@globex.test', 'wrong')
      await page.getByText('is not right').first().waitFor()
    },
    chooser: async (page) => {
      for (const organization of ['acme', 'globex']) {
        await page.goto(authorize({ organization }))
        if (await page.getByLabel(/password/i).count()) await signIn(page, `admin@${organization}.test`)
        await page.waitForURL(`${callback.origin}/**`)
        await callback.next()
      }
      await page.goto(authorize({ prompt: 'select_account' }))
      await page.getByRole('heading', { name: /choose/i }).waitFor()
    },
    'an error': (page) => page.goto(authorize({ client_id: 'nobody' })),
    'an organization that is not there': (page) => page.goto(authorize({ organization: 'no-such-organization' })),
    'the management API': async (page) => {
      await page.goto(`${orgate.issuer}/api/docs`)
      await page.locator('#updateClient summary').click()
      await page.locator('#updateClient').getByText('orgate:clients:manage').waitFor()
    },
    'sign-out': async (page) => {
      await page.goto(authorize({ organization: 'acme' }))
      if (await page.getByLabel(/password/i).count()) await signIn(page, 'admin@acme.test')
      await page.waitForURL(`${callback.origin}/**`)
      await callback.next()
      await page.goto(`${orgate.issuer}/logout`)
      await page.getByRole('button', { name: /sign out/i }).waitFor()
    },
  }
  for (const [name, open] of Object.entries(shown)) {
    await journeys.run(`axe: ${name}`, () => browser.visit((page) => examine(page, name, open)))
  }

  await journeys.run('a page is light, strict and not kept', async () => {
    const response = await fetch(authorize({ client_id: 'nobody' }))
    const headers = Object.fromEntries(response.headers)
    assert((await response.text()).length < 100_000, 'over 100 KB')
    assert(/default-src 'none'/.test(headers['content-security-policy']), headers['content-security-policy'])
    assert(!/unsafe/.test(headers['content-security-policy']), headers['content-security-policy'])
    assert(/frame-ancestors 'none'/.test(headers['content-security-policy']), 'can be framed')
    assert(headers['cache-control'] === 'no-store', headers['cache-control'])
  })
}
