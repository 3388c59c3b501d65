// An administrator connects an identity provider, proves a domain, and finds what happened: from `/admin`, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, heading, openAdmin, signIn } from '../lib/harness.mjs'

export async function adminConnections({ journeys, orgate, browser }) {
  const title = (page, name) => heading(page, name, 1)
  const open = (page, below, name) => openAdmin(page, orgate, below, name)
  const here = async () => {}

  await journeys.run('axe: an administrator connects an identity provider from the administration, tests it, and switches it off and on', () =>
    browser.visit(async (page) => {
      await examine(page, 'admin, no identity provider', () => open(page, '/connections', 'Identity providers'))
      await page.getByRole('button', { name: 'Connect an identity provider' }).click()
      await title(page, /which identity provider/i)
      assert(!page.url().includes('ogsl_'), 'the secret is in the address')
      await examine(page, 'setup, opened from the administration', here)
      await page.getByRole('link', { name: 'Okta' }).click()
      await page.getByLabel(/name on the sign-in button/i).fill('Acme Directory')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('link', { name: 'Done, continue' }).click()
      await page.getByLabel(/address of the metadata/i).fill(`${orgate.idp}/saml/metadata`)
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await title(page, 'Attributes and roles')
      await page.getByRole('link', { name: 'Back to the administration' }).click()
      await page.getByRole('row', { name: /Acme Directory/ }).getByText('Draft').waitFor()
      await examine(page, 'admin, identity providers', here)
      await page.getByRole('link', { name: /Acme Directory/ }).click()
      await title(page, 'Acme Directory')
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByRole('link', { name: 'Test sign-in' }).click()
      await page.getByRole('button', { name: /Vera/ }).click()
      await title(page, 'The test passed')
      await page.getByRole('link', { name: 'Continue' }).click()
      await page.getByRole('button', { name: 'Start the pilot' }).click()
      await page.getByRole('heading', { name: 'The pilot is running' }).waitFor()

      await page.getByRole('link', { name: 'Back to the administration' }).click()
      await page.getByRole('link', { name: /Acme Directory/ }).click()
      await page.getByText('Live for its pilot').waitFor()
      await examine(page, 'admin, an identity provider', here)
      await page.getByRole('link', { name: /^switch off/i }).click()
      await page.getByRole('button', { name: 'Switch off' }).click()
      await page.getByRole('alert').waitFor()
      await examine(page, 'admin, switch off', here)
      await page.getByLabel(/to confirm/i).fill('Acme Directory')
      await page.getByRole('button', { name: 'Switch off' }).click()
      await page.getByRole('status').getByText('It is switched off.').waitFor()
      await page.getByRole('link', { name: /^switch on/i }).click()
      await examine(page, 'admin, switch on', here)
      await page.getByRole('radio', { name: /as a draft/i }).check()
      await page.getByRole('button', { name: 'Switch on' }).click()
      await page.getByText('It is a draft again').waitFor()
    }))

  await journeys.run("axe: an administrator finds last week's failed sign-ins, claims a domain and makes a link for somebody else, without script", () =>
    browser.visit(
      async (page) => {
        await page.goto(`${orgate.app}/sign-in?organization=acme`)
        await signIn(page, 'casey@consult.test', 'not the password')
        await page.getByRole('alert').first().waitFor()

        await open(page, '/audit', 'Audit log')
        await page.getByRole('link', { name: 'Failed sign-ins of the last 7 days' }).click()
        await page.getByRole('listitem').filter({ hasText: 'Sign-in failed' }).first().waitFor()
        assert(!(await page.getByText('Sign-in succeeded').count()), 'others are shown too')
        await open(page, '/domains', 'Domains')
        await page.getByRole('textbox', { name: 'Domain' }).fill('journeys.test')
        await page.getByRole('button', { name: 'Claim the domain' }).click()
        await title(page, 'journeys.test')
        assert(!(await page.getByRole('button', { name: /copy/i }).count()), 'a button that does nothing is shown')
        await page.getByRole('button', { name: 'Check now' }).click()
        await page.getByRole('alert').waitFor()
        await page.getByRole('link', { name: /^give up/i }).click()
        await page.getByLabel(/to confirm/i).fill('journeys.test')
        await page.getByRole('button', { name: 'Give up the domain' }).click()
        await page.getByText('The domain is given up').waitFor()
        await open(page, '/setup-links/new', 'Make a set-up link')
        await page.getByRole('button', { name: 'Make the link' }).click()
        await title(page, 'The link is made')
        const link = await page.locator('#link').textContent()
        await page.getByRole('link', { name: 'Done' }).click()
        await title(page, 'Set-up links')
        await page.getByRole('button', { name: /^take back/i }).first().click()
        await page.getByText('The link is taken back').waitFor()
        await page.goto(link)
        await page.getByText('This set-up link was taken back').waitFor()
      },
      { javaScriptEnabled: false },
    ))

  await journeys.run('axe: the log, domains and set-up links of the administration', () =>
    browser.visit(async (page) => {
      await examine(page, 'admin, failed sign-ins', async () => {
        await open(page, '/audit', 'Audit log')
        await page.getByRole('link', { name: 'Failed sign-ins of the last 7 days' }).click()
        await page.locator('.usual [aria-current]').waitFor()
      })
      await examine(page, 'admin, domains', () => open(page, '/domains', 'Domains'))
      await examine(page, 'admin, domain refused', async () => {
        await page.getByRole('textbox', { name: 'Domain' }).fill('gmail.com')
        await page.getByRole('button', { name: 'Claim the domain' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, a domain', async () => {
        await page.getByRole('textbox', { name: 'Domain' }).fill('copied.test')
        await page.getByRole('button', { name: 'Claim the domain' }).click()
        await page.getByRole('button', { name: 'Copy the value' }).waitFor()
      })
      await examine(page, 'admin, give up', () => page.getByRole('link', { name: /^give up/i }).click())
      await examine(page, 'admin, new set-up link', () => open(page, '/setup-links/new', 'Make a set-up link'))
      await examine(page, 'admin, set-up link', async () => {
        await page.getByRole('button', { name: 'Make the link' }).click()
        await page.getByRole('button', { name: 'Copy the link' }).waitFor()
      })
      await examine(page, 'admin, set-up links', () => open(page, '/setup-links', 'Set-up links'))
    }))
}
