// Own applications: an administrator registers, changes and rotates, and the operator registers one for everybody: with a keyboard
// alone, without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, heading, openAdmin, openConsole, press, tabTo, tokenOf } from '../lib/harness.mjs'

export async function adminClients({ journeys, orgate, browser, callback }) {
  const open = (page, below, name) => openAdmin(page, orgate, below, name)
  const title = (page, name) => heading(page, name, 1)
  const main = (page) => page.getByRole('main')
  const works = (id, secret) => tokenOf(orgate, id, secret).then((token) => !!token, () => false)
  const here = async () => {}

  await journeys.run('an administrator registers a machine and gives it another secret, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page, '/clients', 'Own applications')
      await press(page, main(page).getByRole('link', { name: 'Register an application' }))
      await title(page, 'Register an application')
      await tabTo(page, page.getByRole('radio', { name: /web application/i }))
      await page.keyboard.press('ArrowUp') // the last one
      assert(await page.getByRole('radio', { name: /machine/i }).isChecked(), 'it is no machine')
      assert(!(await page.getByLabel('Redirect URIs').isVisible()), 'a machine is asked where people go back to')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      await tabTo(page, page.getByLabel('Name', { exact: true }))
      await page.keyboard.type('Night robot')
      await tabTo(page, page.getByLabel(/^Resources/))
      await page.keyboard.type(`${orgate.issuer}/api`)
      await press(page, page.getByRole('button', { name: 'Register it' }))
      await title(page, 'The application is registered')
      const [id, first] = [await page.locator('#client_id').innerText(), await page.locator('#secret').innerText()]
      assert(await works(id, first), 'the secret is worth nothing')
      await press(page, main(page).getByRole('link', { name: 'Done' }))
      await title(page, 'Night robot')
      await press(page, main(page).getByRole('link', { name: /make a new secret/i }))
      await title(page, /a new secret for/i)
      await tabTo(page, page.getByLabel(/how long are those before it/i))
      await page.keyboard.press('Home') // not at all
      await press(page, page.getByRole('button', { name: 'Make the secret' }))
      await title(page, 'The secret is made')
      const second = await page.locator('#secret').innerText()
      assert((await works(id, second)) && !(await works(id, first)), 'the one before it is still good')
    }))

  await journeys.run('an administrator registers, changes and switches off an application, without script', () =>
    browser.visit(async (page) => {
      await open(page, '/clients/new')
      await page.getByLabel('Name', { exact: true }).fill('Handbook')
      await page.getByLabel('Redirect URIs').fill('http://handbook.test/callback')
      await page.getByRole('button', { name: 'Register it' }).click()
      await page.getByRole('alert').getByRole('link', { name: /http only for localhost/ }).waitFor()
      await page.getByLabel('Redirect URIs').fill('https://handbook.test/callback\nhttp://localhost:3000/callback')
      await page.getByRole('button', { name: 'Register it' }).click()
      await title(page, 'The application is registered')
      await main(page).getByRole('link', { name: 'Done' }).click()
      await page.getByLabel(/home page/i).fill('https://handbook.test')
      await page.getByRole('button', { name: 'Save changes' }).click()
      await page.getByText('The settings are saved').waitFor()
      assert((await page.getByLabel(/home page/i).inputValue()) === 'https://handbook.test/', 'it was not saved')
      await page.getByRole('link', { name: /switch off/i }).click()
      await page.getByLabel(/to confirm/i).fill('Handbook')
      await page.getByRole('button', { name: 'Switch off' }).click()
      await page.getByText('It is switched off').waitFor()
      await page.getByRole('button', { name: /switch on/i }).click()
      await page.getByText('It is switched on again').waitFor()
    }, { javaScriptEnabled: false }))

  await journeys.run('axe: an operator registers an application for every organization, and gives a machine roles', () =>
    browser.visit(async (page) => {
      await openConsole(page, orgate)
      await page.goto(`${orgate.issuer}/admin/operator/clients/new`)
      await page.getByRole('radio', { name: /by a key of its own/i }).check()
      await page.getByLabel('Where is its public key?').fill('http://elsewhere.test/keys')
      await examine(page, 'operator, an application that was not registered', async () => {
        await page.getByRole('button', { name: 'Register it' }).click()
        await page.getByRole('alert').waitFor()
      })
      await page.getByRole('radio', { name: /by a secret/i }).check()
      await page.getByRole('radio', { name: /every organization/i }).check()
      await page.getByLabel('Name', { exact: true }).fill('Ledger')
      await page.getByLabel(/its client_id/i).fill('ledger')
      await page.getByLabel('Redirect URIs').fill(`${callback.origin}/cb`)
      await examine(page, 'operator, an application was registered', async () => {
        await page.getByRole('button', { name: 'Register it' }).click()
        await title(page, 'The application is registered')
      })
      await page.goto(`${orgate.issuer}/admin/operator/clients`)
      await page.getByRole('row', { name: /Ledger.*every organization/i }).waitFor()
      await examine(page, 'operator, own applications', here)
      await main(page).getByRole('row', { name: /orgate-admin/ }).getByRole('link').click()
      await examine(page, 'operator, Orgate’s own application', here)

      await page.goto(`${orgate.issuer}/admin/operator/clients/new`)
      await page.getByRole('radio', { name: /a service or a script/i }).check()
      await examine(page, 'operator, a new machine', here)
      await page.getByLabel('Name', { exact: true }).fill('Operations')
      await page.getByRole('button', { name: 'Register it' }).click()
      await main(page).getByRole('link', { name: 'Done' }).click()
      await page.getByRole('checkbox', { name: /operators/i }).check()
      await page.getByRole('button', { name: 'Save roles' }).click()
      await page.getByText('The roles are saved').waitFor()
      await page.getByText('Show them').click()
      await examine(page, 'operator, a machine', here)
    }))
}
