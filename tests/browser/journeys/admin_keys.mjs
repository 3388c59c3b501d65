// API keys, how users are found and the overview: by somebody who has only a keyboard, without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, openAdmin, press, tabTo } from '../lib/harness.mjs'

export async function adminKeys({ journeys, orgate, browser }) {
  const open = (page, below) => openAdmin(page, orgate, below)

  await journeys.run('an administrator makes an API key and takes it back, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page, '/api-keys')
      await press(page, page.getByRole('main').getByRole('link', { name: 'Make a key' }))
      await page.getByRole('heading', { level: 1, name: 'Make an API key' }).waitFor()
      await tabTo(page, page.getByLabel('What is it for?'))
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      await tabTo(page, page.getByLabel('What is it for?'))
      await page.keyboard.type('Hiring tool')
      await tabTo(page, page.getByRole('checkbox', { name: 'orgate:users:read' }))
      await page.keyboard.press('Space')
      await page.getByLabel('What is it for?').press('Enter')
      const key = await page.locator('#key').innerText()
      const ask = () => fetch(`${orgate.issuer}/api/v1/organizations/acme/users`, { headers: { authorization: `Bearer ${key}` } })
      assert((await ask()).status === 200, 'the key is worth nothing')
      await press(page, page.getByRole('main').getByRole('link', { name: 'Done' }))
      await press(page, page.getByRole('row', { name: /hiring tool/i }).getByRole('button', { name: /take back/i }))
      await page.getByText('The key is taken back').waitFor()
      assert((await ask()).status === 401, 'the key is still worth something')
    }))

  await journeys.run('an administrator finds a user by how a name begins, without script', () =>
    browser.visit(async (page) => {
      await open(page, '/users')
      await page.getByLabel(/find by name/i).fill('casey@')
      await page.getByRole('button', { name: 'Find' }).click()
      await page.getByRole('row', { name: /casey@consult\.test/ }).waitFor()
      await page.getByLabel(/find by name/i).fill('')
      await page.getByLabel('Show', { exact: true }).selectOption('inactive')
      await page.getByRole('button', { name: 'Find' }).click()
      await page.getByRole('heading', { name: 'Nobody was found' }).waitFor()
    }, { javaScriptEnabled: false }))

  await journeys.run('an administrator finds a user while a name is typed, and goes back to what was found', () =>
    browser.visit(async (page) => {
      await open(page, '/users')
      const field = page.getByLabel(/find by name/i)
      await field.pressSequentially('casey@')
      await page.waitForURL(/search=casey/)
      await page.getByRole('status').getByText('1 found', { exact: true }).waitFor()
      assert((await page.getByRole('row').count()) === 2, 'a heading and one user')
      await page.getByLabel('Show', { exact: true }).selectOption('inactive')
      await page.getByRole('heading', { name: 'Nobody was found' }).waitFor()
      await page.getByLabel('Show', { exact: true }).selectOption('')
      await press(page, page.getByRole('row', { name: /casey@consult\.test/ }).getByRole('link'))
      await page.getByRole('heading', { level: 1, name: 'Casey Consult' }).waitFor()
      await page.goBack()
      await page.getByRole('row', { name: /casey@consult\.test/ }).waitFor()
      assert((await field.inputValue()) === 'casey@', 'what was typed is lost')
    }))

  await journeys.run('axe: API keys, applications and sign-ins', () =>
    browser.visit(async (page) => {
      await examine(page, 'admin, a new API key', () => open(page, '/api-keys/new'))
      await page.getByLabel('What is it for?').fill('Payroll')
      await page.getByRole('checkbox', { name: 'orgate:audit:read' }).check()
      await examine(page, 'admin, an API key', async () => {
        await page.getByRole('button', { name: 'Make the key' }).click()
        await page.getByRole('heading', { name: 'The key is made' }).waitFor()
      })
      await examine(page, 'admin, API keys', () => open(page, '/api-keys'))
      await examine(page, 'admin, applications', () => open(page, '/applications'))
      await open(page)
      await page.getByText('As a table').waitFor({ timeout: 20_000 }).catch(async () => {
        await page.reload()
        await page.getByText('As a table').waitFor()
      })
      await examine(page, 'admin, sign-ins', () => page.getByText('As a table').click())
    }))
}
