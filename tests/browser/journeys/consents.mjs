// An application of somebody else's: what a person lets it have, sees that it has, and takes back; both pages under axe.
import { examine } from '../lib/axe.mjs'
import { assert, heading, signIn } from '../lib/harness.mjs'
import { authorize } from '../lib/pages.mjs'

export async function consents({ journeys, orgate, browser, callback }) {
  const redirect_uri = `${callback.origin}/cb`
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const asking = authorize({ orgate, callback }, { client_id: 'guest', organization: 'acme', scope: 'openid email offline_access' })
  const token = (parameters) =>
    fetch(`${orgate.issuer}/token`, { method: 'POST', body: new URLSearchParams({ client_id: 'guest', ...parameters }) })

  async function approach(page) {
    await page.goto(asking)
    await heading(page, 'Sign in to Acme Inc')
    await signIn(page, 'admin@acme.test')
    await heading(page, /Guest & Co/)
  }

  // The code that an answer brings.
  async function allow(page) {
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.waitForURL(`${callback.origin}/**`)
    return answer()
  }

  async function answer() {
    const code = (await callback.next()).url.searchParams.get('code')
    assert(code, 'no code arrived')
    return code
  }

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? '' : ', without script'
    await journeys.run(`somebody else’s application is let in by a person, seen by them, and shut out again${how}`, () =>
      browser.visit(
        async (page) => {
          await approach(page)
          const seen = ['guest.example', 'see your e-mail address', 'stay signed in while you are away', 'admin@acme.test']
          for (const text of seen) await page.getByText(text).first().waitFor()
          const code = await allow(page)
          const redeemed = await token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier })
          const { refresh_token } = await redeemed.json()
          assert(redeemed.status === 200 && refresh_token, `the code was answered with ${redeemed.status}`)

          await page.goto(asking) // once let in, nobody is asked again
          await page.waitForURL(`${callback.origin}/**`)
          await answer()
          await page.goto(`${orgate.issuer}/account/sessions`)
          await heading(page, 'Applications with access')
          await page.getByText(`at ${new URL(callback.origin).hostname}`).first().waitFor()
          await page.getByRole('button', { name: 'Take back what Guest & Co may' }).click()
          await page.getByText('no access any more').first().waitFor()
          assert(!(await page.getByRole('heading', { name: 'Applications with access' }).count()), 'it is still there')

          const refreshed = await token({ grant_type: 'refresh_token', refresh_token })
          const { error } = await refreshed.json()
          assert(refreshed.status === 400 && error === 'invalid_grant', `what was taken back is answered with ${refreshed.status}`)
          await page.goto(asking)
          await heading(page, /Guest & Co/)
        },
        { javaScriptEnabled },
      ))
  }

  const shown = {
    'consent, what is asked for': approach,
    'consent, applications with access': async (page) => {
      await approach(page)
      await allow(page)
      await page.goto(`${orgate.issuer}/account/sessions`)
      await heading(page, 'Applications with access')
    },
  }
  for (const [name, open] of Object.entries(shown)) {
    await journeys.run(`axe: ${name}`, () => browser.visit((page) => examine(page, name, open)))
  }
}
