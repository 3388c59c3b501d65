// An organization's IT sets its sign-in up by a link, and its people sign in.
import { examine } from '../lib/axe.mjs'
import { assert, heading } from '../lib/harness.mjs'

export async function setup({ journeys, orgate, browser }) {
  const link = orgate.output().match(/http\S+\/setup\?link=\S+/)?.[0]
  const title = (page, name) => heading(page, name, 1)

  await journeys.run('axe: every step of the set-up, from the link to a live connection', () =>
    browser.visit(async (page) => {
      assert(link, 'no link was printed')
      // Looking at it, as a mail scanner does, opens nothing.
      await browser.visit((scanner) => scanner.goto(link))
      const look = (name, open = async () => {}) => examine(page, `setup ${name}`, open)

      await page.goto(link)
      await look('1 landing')
      await page.getByRole('button', { name: 'Begin' }).click()
      await title(page, 'Sign-in of Initech')
      assert(!page.url().includes('ogsl_'), 'the secret is in the address')
      await look('2 overview')
      await page.getByRole('link', { name: 'Connect an identity provider' }).click()
      await title(page, /which identity provider/i)
      await look('3 vendors')
      await page.getByRole('link', { name: 'Okta' }).click()
      await title(page, 'Connect Okta')
      await look('4 vendor')
      await page.getByLabel(/name on the sign-in button/i).fill('Vandelay Directory')
      await page.getByRole('button', { name: 'Continue' }).click()
      await title(page, 'Enter these at Okta')
      await page.getByRole('term').filter({ hasText: 'Audience URI (SP Entity ID)' }).waitFor()
      const audience = await page.locator('dd', { hasText: '/metadata' }).first().locator('code').textContent()
      assert(/\/sso\/org_\w+\/con_\w+\/metadata$/.test(audience), audience)
      await look('5 values')

      await page.getByRole('link', { name: 'Done, continue' }).click()
      await title(page, 'Your provider’s metadata')
      await page.getByLabel('Or the metadata itself').fill('<EntityDescriptor><script>alert(1)</script>')
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await page.getByText('Please check and try again').waitFor()
      await look('6 metadata, refused')
      await page.getByLabel('Or the metadata itself').fill('')
      await page.getByLabel(/address of the metadata/i).fill(`${orgate.idp}/saml/metadata`)
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await title(page, 'Attributes and roles')
      await look('7 mapping')
      await page.getByRole('checkbox', { name: 'Viewer' }).first().check()
      await page.getByLabel('Value').first().fill('staff')
      await page.getByRole('group', { name: 'Rule 1' }).getByRole('checkbox', { name: 'Editor' }).check()
      assert(!(await page.getByRole('checkbox', { name: 'Administrator' }).count()), 'a role beyond the ceiling is offered')
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await title(page, 'Whose addresses come from here?')
      await look('8 domains')
      await page.getByRole('checkbox', { name: 'vandelay.test' }).check()
      await page.getByRole('button', { name: 'Save and continue' }).click()

      await title(page, 'Test the connection')
      await look('9 test')
      await page.goto(page.url().replace(/test$/, 'activate'))
      assert(!(await page.getByRole('button', { name: /activate version/i }).count()), 'offered without a test')
      await look('10 activate, untested')
      await page.getByRole('link', { name: /Test$/ }).first().click()
      await page.getByRole('link', { name: 'Test sign-in' }).click()
      await page.getByRole('button', { name: /Vera/ }).click()
      await title(page, 'The test passed')
      await page.getByText('editor, viewer').waitFor()
      await look('11 trace, passed')
      await page.getByRole('link', { name: 'Change the mapping' }).click()
      await page.getByRole('heading', { name: 'Preview' }).waitFor()
      await look('12 mapping, preview')
      const preview = page.locator('#preview')
      await page.getByRole('group', { name: 'Rule 1' }).getByLabel('Value').fill('nobody')
      await preview.getByText('viewer', { exact: true }).waitFor() // by itself, without a button
      await page.goBack()
      await page.getByRole('link', { name: 'Continue' }).click()

      await title(page, /let a few people/i)
      await page.getByLabel('E-mail addresses').fill('vera@vandelay.test\nvito@vandelay.test')
      await page.getByRole('button', { name: 'Save the list' }).click()
      await page.getByText('2 saved.').waitFor()
      await look('13 pilot')
      await page.getByRole('button', { name: 'Start the pilot' }).click()
      await page.getByRole('heading', { name: 'The pilot is running' }).waitFor()
      await look('14 pilot, running')
      await page.getByRole('link', { name: 'Continue' }).click()
      await title(page, 'Switch it on for everybody')
      await look('15 activate')
      await page.getByRole('button', { name: /activate version/i }).click()
      await title(page, 'It is live')
      await look('16 live')
      await page.getByRole('link', { name: /Set-up of Initech/ }).click()
      await look('17 overview, live')
    }))

  await journeys.run('whom the set-up lets in signs in to the application, and is the user that was there', () =>
    browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in?organization=initech`)
      await page.getByRole('link', { name: /Vandelay Directory/ }).click()
      await page.getByRole('button', { name: /Vera/ }).click()
      await page.getByRole('heading', { name: 'Notes of initech' }).waitFor()
    }))

  await journeys.run('the set-up works without script, and says what goes wrong', () =>
    browser.visit(
      async (page) => {
        await page.goto(link)
        await page.getByRole('button', { name: 'Begin' }).click()
        await page.goto(`${orgate.issuer}/setup/new?vendor=entra`)
        await page.getByRole('button', { name: 'Continue' }).click()
        await title(page, 'Enter these at Microsoft Entra ID')
        assert(!(await page.getByRole('button', { name: /copy/i }).count()), 'a button that does nothing is shown')
        await page.getByRole('link', { name: 'Done, continue' }).click()
        await page.getByLabel('Issuer').fill(`${orgate.idp}/nowhere`)
        await page.getByLabel('Client ID').fill('orgate')
        await page.getByLabel('Client secret').fill('wrong')
        await page.getByRole('button', { name: 'Save and continue' }).click()
        await page.getByText(/discovery document cannot be used/).first().waitFor()
        await page.getByLabel('Issuer').fill(`${orgate.idp}/oidc`)
        await page.getByLabel('Client secret').fill('wrong')
        await page.getByRole('button', { name: 'Save and continue' }).click()
        await title(page, 'Attributes and roles')
        await page.goto(page.url().replace(/mapping$/, 'test'))
        await page.getByRole('link', { name: 'Test sign-in' }).click()
        await page.getByRole('button', { name: /Uma/ }).click()
        await title(page, /It failed at/)
      },
      { javaScriptEnabled: false },
    ))

  await journeys.run('axe: a test that failed, and a link that opens nothing', () =>
    browser.visit(async (page) => {
      await page.goto(link)
      await page.getByRole('button', { name: 'Begin' }).click()
      await page.getByRole('link', { name: /Microsoft Entra ID/ }).click()
      await page.getByRole('link', { name: /Failed/ }).first().click()
      await examine(page, 'setup 18 trace, failed', async () => {})
      await page.goto(page.url()) // the marks are read, not only seen
      await page.getByRole('link', { name: /Its metadata/ }).click()
      await page.getByLabel('Issuer').fill(`${orgate.idp}/nowhere`)
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await page.getByText(/an earlier one is kept for its own provider alone/).first().waitFor()
      await page.getByLabel('Client secret').fill('wrong')
      await page.getByRole('button', { name: 'Save and continue' }).click()
      await page.getByText(/discovery document cannot be used/).first().waitFor()
      await examine(page, 'setup 19 issuer, refused', async () => {})
      await examine(page, 'setup 20 link, mistyped', () => page.goto(`${link}x`))
    }))
}
