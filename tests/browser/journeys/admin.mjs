// An administrator runs their organization: by the keyboard alone, without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, enterNotes, hasEnded, newestMail, openAdmin, press, signIn, tabTo } from '../lib/harness.mjs'

export async function admin({ journeys, orgate, browser }) {
  const open = (page, below) => openAdmin(page, orgate, below)
  const find = async (page, email) => {
    await open(page, '/users')
    await page.getByLabel(/find by name or e-mail address/i).fill(email)
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: email }).getByRole('link').click()
  }

  await journeys.run('an administrator invites somebody with a role, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page)
      await press(page, page.getByRole('main').getByRole('link', { name: 'Invite people' }))
      await page.getByRole('heading', { name: 'Invite somebody' }).waitFor()
      await press(page, page.getByRole('button', { name: /send the invitation/i }))
      await page.getByRole('alert').getByRole('link').waitFor()
      await press(page, page.getByRole('alert').getByRole('link'))
      await page.keyboard.type('ivy@elsewhere.test')
      await tabTo(page, page.getByRole('checkbox', { name: /viewer/i }))
      await page.keyboard.press('Space')
      await press(page, page.getByRole('button', { name: /send the invitation/i }))
      await page.getByText('The invitation is on its way').waitFor()
      const row = await page.getByRole('row', { name: /ivy@elsewhere\.test/ }).innerText()
      assert(/viewer/.test(row) && /open/i.test(row), row)
      const mail = await newestMail(orgate, 'ivy@elsewhere.test')
      assert(mail.text.includes('/invitations?'), mail.text)
    }))

  await journeys.run("an administrator ends somebody's sessions without script, and they are out", () =>
    browser.visit(async (page) => {
      await browser.visit(async (lost) => {
        await enterNotes(lost, orgate, 'acme', 'casey@consult.test')
        await find(page, 'casey@consult.test')
        const sessions = page.getByRole('region', { name: /where they are signed in/i })
        await sessions.getByRole('button', { name: /^end/i }).first().waitFor()
        while (await sessions.getByRole('button', { name: /^end the session/i }).count()) {
          await sessions.getByRole('button', { name: /^end/i }).last().click()
          await page.getByRole('status').waitFor()
        }
        await page.getByText('Nowhere at the moment').waitFor()
        await hasEnded(lost, orgate)
      })
    }, { javaScriptEnabled: false }))

  await journeys.run('an administrator deactivates somebody once their address was typed, and lets them in again', () =>
    browser.visit(async (page) => {
      await find(page, 'casey@consult.test')
      await press(page, page.getByRole('link', { name: /^deactivate/i }))
      await page.getByLabel(/to confirm/i).waitFor()
      await tabTo(page, page.getByLabel(/to confirm/i))
      await page.keyboard.type('somebody@else.test')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('Type it as it stands above').waitFor()
      await page.getByLabel(/to confirm/i).fill('casey@consult.test')
      await page.keyboard.press('Enter')
      await page.getByText('They are deactivated, and signed out everywhere').waitFor()
      await press(page, page.getByRole('link', { name: /let them in again/i }))
      await press(page, page.getByRole('button', { name: /let them in again/i }))
      await page.getByText('They may sign in again').waitFor()
    }))

  await journeys.run('axe: the administration', async () => {
    await browser.visit(async (page) => {
      await examine(page, 'admin, overview', () => open(page))
      await examine(page, 'admin, users', () => open(page, '/users'))
      await examine(page, 'admin, nobody found', () => open(page, '/users?search=nobody@acme.test'))
      await examine(page, 'admin, a user', () => find(page, 'casey@consult.test'))
      await examine(page, 'admin, deactivate', () => page.getByRole('link', { name: /^deactivate/i }).click())
      await examine(page, 'admin, invitations', () => open(page, '/invitations'))
      await examine(page, 'admin, audit log', () => open(page, '/audit'))
      await examine(page, 'admin, invite', () => open(page, '/invitations/new'))
      await examine(page, 'admin, not invited', async () => {
        await page.getByRole('button', { name: /send the invitation/i }).click()
        await page.getByRole('alert').waitFor()
      })
      await page.setViewportSize({ width: 390, height: 844 })
      await open(page)
      await page.getByText('Menu').click()
      await page.getByRole('link', { name: 'Users', exact: true }).first().waitFor()
    })
    await browser.visit((page) =>
      examine(page, 'admin, not allowed', async () => {
        await page.goto(`${orgate.issuer}/admin/acme`)
        await signIn(page, 'casey@consult.test')
        await page.getByRole('heading', { name: /may not open/i }).waitFor()
      }))
  })
}
